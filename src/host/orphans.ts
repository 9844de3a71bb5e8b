/** What tunnels that died have left on the host, looked at and not touched. */

import { tableName } from "./firewall/rule.ts";
import { listJournals, readJournal } from "./journal.ts";
import { ownerOf } from "./recover.ts";
import type { RecoveryHost } from "./recovery_host.ts";

export interface Orphan {
  readonly pid: number;
  readonly device: string;
  /** How many there may be still. */
  readonly changes: number;
  /** Nothing leaves the host but by a tunnel that is no more. */
  readonly killSwitch: boolean;
}

export interface Orphans {
  /** The newest first. */
  readonly found: readonly Orphan[];
  /** Why a journal was not understood. */
  readonly unreadable: readonly unknown[];
}

export function findOrphans(host: RecoveryHost): Orphans {
  const found: Orphan[] = [];
  const unreadable: unknown[] = [];
  for (const path of listJournals(host.disk, host.machine, host.directories)) {
    try {
      if (ownerOf(path, host) === undefined) found.push(...readOrphan(path, host));
    } catch (error) {
      // A `cleanup` may have finished it in the meantime.
      if (!(error instanceof Deno.errors.NotFound)) unreadable.push(error);
    }
  }
  return { found, unreadable };
}

/** None, when it died before it had changed anything. */
function readOrphan(path: string, host: RecoveryHost): Orphan[] {
  const { header, open, ended } = readJournal(host.disk, path);
  if (header === undefined || ended || open.length === 0) return [];
  const { pid, device } = header;
  const killSwitch = host.tables().includes(tableName("strict", device));
  return [{ pid, device, changes: open.length, killSwitch }];
}
