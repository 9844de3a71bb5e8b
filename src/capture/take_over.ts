/**
 * What tunnels that died have left, undone before a new one starts: it would be taken for the host's own.
 *
 * With a kill switch of its own the new tunnel must leave theirs in force until its own is: in between
 * everything would leave the host as it likes.
 */

import { UserError } from "../errors.ts";
import type { Change, ChangeKind } from "../host/change.ts";
import { tableName } from "../host/firewall/rule.ts";
import type { TableChange } from "../host/changes/table_change.ts";
import { recoverJournals } from "../host/recover.ts";
import { recoveryFailure } from "../host/recovery_failure.ts";
import type { RecoveryHost } from "../host/recovery_host.ts";
import type { HostLog } from "../host/step.ts";

/** To be called before anything is looked at. True when a kill switch of theirs is still in force. */
export async function undoLeftovers(
  host: RecoveryHost,
  strict: boolean,
  log: HostLog,
): Promise<boolean> {
  const report = await recoverJournals({
    ...host,
    log,
    keep: (change) => strict && isSwitch(change),
  });
  const failure = recoveryFailure(report);
  if (failure !== undefined) throw failure;
  const tables = host.tables();
  for (const { pid, device, here } of report.alive) {
    if (here && (strict || tables.includes(tableName("strict", device)))) {
      throw shutOut(pid, device);
    }
  }
  return report.recovered.some(({ kept }) => kept > 0);
}

/** A kill switch lets nothing out but its own tunnel and its own proxy. */
function shutOut(pid: number, device: string): UserError {
  return new UserError(
    `With --strict there can be no second tunnel, and ${device} (process ${pid}) is running`,
    { hint: `End that one first: \`sudo ztun down --pid ${pid}\`` },
  );
}

/** Why a name may not be found: the kill switch of a tunnel that died lets no questions out. */
export function blamesSwitch(host: RecoveryHost, error: unknown): unknown {
  const inForce = host.tables().some((name) => name.startsWith(tableName("strict", "")));
  if (!inForce || !(error instanceof UserError)) return error;
  return new UserError(`${error.message}: the kill switch of a tunnel that died is in force`, {
    cause: error,
    hint: "`sudo ztun cleanup` lifts it; or name the proxy by its address",
  });
}

/** To be called when the new kill switch is in force. `ours` are the tables of the new tunnel. */
export async function dropOldSwitches(
  host: RecoveryHost,
  ours: ReadonlySet<string>,
  log: HostLog,
): Promise<void> {
  const table = host.kinds["table"]!;
  // One of ours with the same name has taken its place: theirs is gone.
  const state: ChangeKind["state"] = (change) =>
    ours.has((change as TableChange).name) ? "absent" : table.state(change);
  const kinds = { ...host.kinds, table: { ...table, state } };
  const failure = recoveryFailure(await recoverJournals({ ...host, kinds, log }));
  if (failure !== undefined) log.warn(failure.message);
}

/** The table that outlives its tunnel. */
export function isSwitch(change: Change): boolean {
  if (change.kind !== "table") return false;
  const { name } = change as TableChange;
  // What knows which connections came in is a part of it: their answers are let out by that.
  return ["strict", "mark"].some((purpose) => name.startsWith(tableName(purpose, "")));
}
