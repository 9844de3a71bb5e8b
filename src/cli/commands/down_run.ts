/** How `ztun down` runs: loaded when it does. */

import { askToStop, readStatuses } from "../../control/client.ts";
import { controlDirectory, removeDeadSockets } from "../../control/socket_path.ts";
import type { TunnelStatus } from "../../control/status.ts";
import { Exit, UserError } from "../../errors.ts";
import type { Machine } from "../../host/machine.ts";
import { recoverJournals } from "../../host/recover.ts";
import { recoveryFailure } from "../../host/recovery_failure.ts";
import { realRecoveryHost } from "../../host/recovery_host.ts";
import type { CommandInput } from "../command.ts";
import { pidOf } from "./pid_flag.ts";
import { recoveredText, recoveryLog } from "./recovery_text.ts";

/** Of a tunnel, when its flows have ended: it may wait for other programs (25 s for D-Bus). */
const UNDOING_MS = 60_000;
const PAUSE_MS = 20;

export async function run(
  input: CommandInput,
  host = realRecoveryHost(input.environment),
  undoing = UNDOING_MS,
): Promise<number> {
  const { environment, flags } = input;
  const say = input.quiet ? () => {} : environment.err;
  const directory = controlDirectory(environment);
  const silent: unknown[] = [];
  const tunnels = await tunnelsOfUp(directory, pidOf(flags.pid), (error) => silent.push(error));
  const ended = await Promise.allSettled(tunnels.map(async (tunnel) => {
    await end(tunnel, directory, host.machine, undoing);
    say(`${tunnel.device.name} (process ${tunnel.pid}) has ended\n`);
  }));
  const report = await recoverJournals({ ...host, log: recoveryLog(input) });
  await removeDeadSockets(directory);
  say(recoveredText(report));
  const failure = recoveryFailure(report);
  const reasons = ended.flatMap((result) => result.status === "rejected" ? [result.reason] : []);
  throwAll([...silent, ...reasons, ...failure === undefined ? [] : [failure]]);
  if (tunnels.length === 0 && report.recovered.length === 0) throw nothingToEnd(environment.uid());
  return Exit.Ok;
}

async function tunnelsOfUp(
  directory: string,
  pid: number | undefined,
  failed: (error: unknown) => void,
): Promise<TunnelStatus[]> {
  const tunnels = await readStatuses(directory, pid, undefined, failed);
  const others = tunnels.filter(({ command }) => command !== "up");
  if (pid === undefined || others.length === 0) return tunnels.filter((t) => !others.includes(t));
  throw new UserError(`Process ${pid} is no tunnel of \`ztun up\`: it ends with its command`, {
    hint: `\`kill ${pid}\` ends both`,
  });
}

/** Asks the tunnel to end, and waits until its process has. */
async function end(
  { pid, graceSeconds }: TunnelStatus,
  directory: string,
  machine: Machine,
  undoing: number,
): Promise<void> {
  const started = machine.startTime(pid);
  await askToStop(directory, pid);
  const deadline = performance.now() + graceSeconds * 1000 + undoing;
  while (started !== undefined && machine.startTime(pid) === started) {
    if (performance.now() >= deadline) throw doesNotEnd(pid);
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }
  // One that was killed at last has left its socket: asking there removes it.
  await readStatuses(directory, pid);
}

function throwAll(errors: readonly unknown[]): void {
  if (errors.length === 1) throw errors[0];
  if (errors.length === 0) return;
  throw new UserError("Cannot end all tunnels and undo all that they have left", {
    cause: new AggregateError(errors),
    hint: "`ztun status` shows what is there",
  });
}

function doesNotEnd(pid: number): UserError {
  return new UserError(`The tunnel of process ${pid} was asked to end, and does not`, {
    hint: `\`sudo sh -c 'kill -KILL ${pid}'\`, then \`sudo ztun cleanup\``,
  });
}

function nothingToEnd(uid: number | null): UserError {
  return new UserError("No tunnel is running, and none has left anything behind", {
    exitCode: Exit.NotRunning,
    hint: uid === 0
      ? "`sudo ztun status` shows also the tunnels of `ztun exec`"
      : "`sudo ztun down` ends those of root",
  });
}
