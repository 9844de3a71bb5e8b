/** How `ztun cleanup` runs: loaded when it does. */

import { controlDirectory, removeDeadSockets } from "../../control/socket_path.ts";
import { Exit } from "../../errors.ts";
import { recoverJournals } from "../../host/recover.ts";
import { recoveryFailure } from "../../host/recovery_failure.ts";
import { realRecoveryHost } from "../../host/recovery_host.ts";
import type { CommandInput } from "../command.ts";
import { aliveText, recoveredText, recoveryLog } from "./recovery_text.ts";

export async function run(
  input: CommandInput,
  host = realRecoveryHost(input.environment),
): Promise<number> {
  const report = await recoverJournals({ ...host, log: recoveryLog(input) });
  await removeDeadSockets(controlDirectory(input.environment));
  const failure = recoveryFailure(report);
  const idle = report.recovered.length === 0 && failure === undefined;
  const text = recoveredText(report) + (idle ? "Nothing was left behind\n" : "") +
    aliveText(report);
  if (!input.quiet) input.environment.err(text);
  if (failure !== undefined) throw failure;
  return Exit.Ok;
}
