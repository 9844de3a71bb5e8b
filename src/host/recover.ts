/**
 * What tunnels that died have left on the host, undone from their journals.
 *
 * A journal whose process lives belongs to it. What cannot be understood is reported and kept, never
 * passed over.
 */

import type { Change, ChangeKinds } from "./change.ts";
import type { Disk } from "./disk.ts";
import {
  FRESH,
  Journal,
  type JournalContent,
  listJournals,
  pidOf,
  readJournal,
} from "./journal.ts";
import type { Machine } from "./machine.ts";
import { replay, type ReplayReport } from "./replay.ts";
import type { HostLog } from "./step.ts";

export interface RecoverOptions {
  readonly disk: Disk;
  readonly machine: Machine;
  /** Where the journals are. */
  readonly directories: readonly string[];
  readonly kinds: ChangeKinds;
  readonly log: HostLog;
  /** What must stay for now; its journal stays too. */
  readonly keep?: (change: Change) => boolean;
}

export interface Recovered extends ReplayReport {
  readonly path: string;
  readonly device: string;
  readonly pid: number;
}

export interface JournalOwner {
  readonly path: string;
  readonly pid: number;
  readonly device: string;
}

export interface RecoverReport {
  readonly recovered: readonly Recovered[];
  /** Of tunnels that run; not touched. */
  readonly alive: readonly (JournalOwner & {
    /** In the network namespace that this is in. */
    readonly here: boolean;
  })[];
  /** Of tunnels that died in another network namespace: what they have left is not to be seen from here. */
  readonly elsewhere: readonly JournalOwner[];
  /** Why a journal was not understood; it is still there. */
  readonly unreadable: readonly unknown[];
}

/** Undoes what every orphaned journal says, the newest first. */
export async function recoverJournals(options: RecoverOptions): Promise<RecoverReport> {
  const report = {
    recovered: [] as Recovered[],
    alive: [] as (JournalOwner & { here: boolean })[],
    elsewhere: [] as JournalOwner[],
    unreadable: [] as unknown[],
  };
  for (const path of listJournals(options.disk, options.machine, options.directories)) {
    try {
      const owner = ownerOf(path, options);
      const there = elsewhere(path, options);
      if (owner !== undefined) report.alive.push({ path, ...owner });
      else if (there !== undefined) report.elsewhere.push({ path, ...there });
      else report.recovered.push(...await recoverOne(path, options));
    } catch (error) {
      // Another `cleanup` may have finished it in the meantime.
      if (!(error instanceof Deno.errors.NotFound)) report.unreadable.push(error);
    }
  }
  return report;
}

/** The living process that the journal belongs to. */
export function ownerOf(
  path: string,
  { disk, machine }: Pick<RecoverOptions, "disk" | "machine">,
): { pid: number; device: string; here: boolean } | undefined {
  const { header } = readJournal(disk, path);
  if (header === undefined) {
    // Being made at this moment, or torn before the first line.
    const pid = pidOf(path);
    return machine.startTime(pid) === undefined ? undefined : { pid, device: "", here: false };
  }
  const { pid, started, device, boot, network } = header;
  const lives = boot === machine.bootId() && machine.startTime(pid) === started;
  return lives ? { pid, device, here: network === machine.network() } : undefined;
}

/** Who made it in another namespace, which is still there. */
function elsewhere(
  path: string,
  { disk, machine }: RecoverOptions,
): { pid: number; device: string } | undefined {
  const { header } = readJournal(disk, path);
  if (header === undefined || header.boot !== machine.bootId()) return undefined;
  const { network, pid, device } = header;
  const lives = network !== machine.network() && machine.networkLives(network);
  return lives ? { pid, device } : undefined;
}

/** One orphan; nothing, when another process has just done it. */
async function recoverOne(path: string, options: RecoverOptions): Promise<Recovered[]> {
  const { disk, machine, kinds, log, keep = () => false } = options;
  const file = disk.open(path, { read: true, append: true });
  let content: JournalContent;
  try {
    await lock(file);
    // Read again: whoever held the lock has gone on with it, and removed it when it was done.
    content = readJournal(disk, path);
  } catch (error) {
    file.close();
    throw error;
  }
  // Torn while it was written anew.
  if (disk.look(`${path}${FRESH}`) !== undefined) disk.remove(`${path}${FRESH}`);
  if (content.header === undefined) {
    file.close();
    disk.remove(path);
    return [];
  }
  const journal = Journal.continue(disk, path, file, content);
  const { header, ended } = content;
  // A namespace that is no more has taken everything along, as a reboot does.
  const rebooted = header.boot !== machine.bootId() || header.network !== machine.network();
  const report = await replay(ended ? [] : content.open, { kinds, journal, log, rebooted, keep });
  if (report.failed.length + report.kept === 0) journal.end();
  else journal.close();
  return [{ ...report, path, device: header.device, pid: header.pid }];
}

const LOCK_PAUSE_MS = 20;

/** Waits until no other process replays this journal; the lock goes with the descriptor. */
async function lock(file: Deno.FsFile): Promise<void> {
  while (!file.tryLockSync(true)) {
    await new Promise((resolve) => setTimeout(resolve, LOCK_PAUSE_MS));
  }
}
