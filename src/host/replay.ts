/**
 * Changes undone, last one first: by the transaction that made them, or by whoever finds its journal.
 *
 * What is looked at decides, not what is remembered: so a replay that broke off is repeated from the
 * start, and the outcome is the same.
 */

import { type Change, type ChangeKind, type ChangeKinds, stepFailure } from "./change.ts";
import type { Journal, JournalEntry } from "./journal.ts";
import type { HostLog } from "./step.ts";

export interface ReplayReport {
  /** The commands that would have done the same. */
  readonly commands: string[];
  /** Left alone: somebody altered them since. One sentence each; logged. */
  readonly altered: string[];
  /** Still there, with the reason; logged. Once there is one of these, the journal must stay. */
  readonly failed: Error[];
  /** How many were left as they are because that was asked for; likewise. */
  kept: number;
}

export interface ReplayOptions {
  readonly kinds: ChangeKinds;
  readonly journal: Pick<Journal, "settle">;
  readonly log: HostLog;
  /** The kernel that was changed is no more, and with it all that does not outlive it. */
  readonly rebooted?: boolean;
  /** What must stay for now. */
  readonly keep?: (change: Change) => boolean;
}

/** Undoes what is there of `entries`, which are in the order in which they were made. */
export async function replay(
  entries: readonly JournalEntry[],
  options: ReplayOptions,
): Promise<ReplayReport> {
  const report: ReplayReport = { commands: [], altered: [], failed: [], kept: 0 };
  for (const entry of entries.toReversed()) await undoOne(entry, options, report);
  return report;
}

async function undoOne(
  entry: JournalEntry,
  options: ReplayOptions,
  report: ReplayReport,
): Promise<void> {
  const { change } = entry;
  if (!options.rebooted && options.keep?.(change)) {
    report.kept += 1;
    return;
  }
  const kind = Object.hasOwn(options.kinds, change.kind) ? options.kinds[change.kind] : undefined;
  if (kind === undefined) return fail(unknownKind(change), options, report);
  try {
    if (options.rebooted && !kind.outlivesBoot(change)) {
      options.journal.settle(entry.id, "undone");
    } else {
      await undoWhatIsThere(entry, kind, options, report);
    }
  } catch (cause) {
    const what = `undo "${kind.what(change)}"`;
    fail(stepFailure(what, kind.undoCommand(change), cause), options, report);
  }
}

function fail(error: Error, { log }: ReplayOptions, report: ReplayReport): void {
  report.failed.push(error);
  log.warn(
    error.cause instanceof Error ? `${error.message}: ${error.cause.message}` : error.message,
  );
}

async function undoWhatIsThere(
  { id, change }: JournalEntry,
  kind: ChangeKind,
  { journal, log }: ReplayOptions,
  report: ReplayReport,
): Promise<void> {
  kind.tidy?.(change);
  const state = await kind.state(change);
  if (state === "altered") {
    const why = `Did not undo "${kind.what(change)}": ${await kind.difference(change)}`;
    report.altered.push(why);
    log.warn(why);
    // What failed may be what hides this one (a file changed twice): nothing is final until that is gone.
    if (report.failed.length === 0) journal.settle(id, "left");
    return;
  }
  if (state === "present") {
    const command = kind.undoCommand(change);
    if (command !== "") {
      log.debug(`[#] ${command}`);
      report.commands.push(command);
    }
    await kind.undo(change);
  }
  journal.settle(id, "undone");
}

function unknownKind(change: Change): Error {
  return new Error(`Cannot undo a change of kind "${change.kind}": this version does not know it`);
}
