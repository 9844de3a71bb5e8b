/** How `ztun status` runs: loaded when it does. */

import { readStatuses } from "../../control/client.ts";
import { controlDirectory } from "../../control/socket_path.ts";
import { Exit, UserError } from "../../errors.ts";
import { findOrphans } from "../../host/orphans.ts";
import { realRecoveryHost } from "../../host/recovery_host.ts";
import type { CommandInput } from "../command.ts";
import { pidOf } from "./pid_flag.ts";
import { orphanTexts, recoveryLog } from "./recovery_text.ts";
import { describe } from "./status_text.ts";

export async function run(
  input: CommandInput,
  host = realRecoveryHost(input.environment),
): Promise<number> {
  const { flags, environment } = input;
  const silent: unknown[] = [];
  const statuses = await readStatuses(
    ...[controlDirectory(environment), pidOf(flags.pid)] as const,
    undefined,
    (error) => silent.push(error),
  );
  const orphans = orphanTexts(findOrphans(host));
  const cleanup = environment.uid() === 0 ? "sudo ztun cleanup" : "ztun cleanup";
  if (statuses.length === 0) throw silent[0] ?? notRunning(orphans, cleanup);
  const texts = flags.json === true
    ? statuses.map((status) => `${JSON.stringify(status)}\n`)
    : [statuses.map(describe).join("\n")];
  environment.out(texts.join(""));
  const log = recoveryLog(input);
  for (const text of orphans) log.warn(`${text}: \`${cleanup}\``);
  if (silent.length > 0) throw silent[0];
  return Exit.Ok;
}

function notRunning(orphans: readonly string[], cleanup: string): UserError {
  const exitCode = Exit.NotRunning;
  if (orphans.length === 0) {
    const hint = "sudo ztun up --socks 127.0.0.1:1080";
    return new UserError("No tunnel is running", { exitCode, hint });
  }
  return new UserError(["No tunnel is running", ...orphans].join("\n"), {
    exitCode,
    hint: cleanup,
  });
}
