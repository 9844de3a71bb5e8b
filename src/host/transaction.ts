/**
 * What one tunnel changes on the host: all of it or nothing, and given back at the end.
 *
 * Each change is in the journal before it is made. One operation runs at a time, in the order of the
 * calls, so that an `undo` that is asked for during `apply` finds all of it, or nothing.
 */

import { type Change, type ChangeKind, type ChangeKinds, kindOf, stepFailure } from "./change.ts";
import type { Journal, JournalEntry } from "./journal.ts";
import { replay, type ReplayReport } from "./replay.ts";
import { UserError } from "../errors.ts";
import type { HostLog } from "./step.ts";

export interface TransactionOptions {
  readonly kinds: ChangeKinds;
  readonly log: HostLog;
  /** Called at the first change; undefined for a dry run, which logs the commands and does nothing. */
  readonly openJournal: (() => Journal) | undefined;
}

export class Transaction {
  /** The commands that would have done the same as what was applied, in order. */
  readonly commands: string[] = [];
  readonly #options: TransactionOptions;
  readonly #live = new Map<number, Change>();
  #journal: Journal | undefined;
  #dryId = 0;
  #over = false;
  #last: Promise<unknown> = Promise.resolve();

  constructor(options: TransactionOptions) {
    this.#options = options;
  }

  /** Makes the changes, in order; gives the number of each. When one fails, none of them is left. */
  apply(changes: readonly Change[]): Promise<number[]> {
    return this.#inTurn(() => this.#applyAll(changes));
  }

  /** Writes down a change that the caller makes as soon as this returns. */
  record(change: Change): void {
    if (this.#over) throw new Error("Cannot change the host: the transaction is over");
    if (this.#options.openJournal === undefined) return;
    this.#journal ??= this.#options.openJournal();
    this.#live.set(this.#journal.begin(change), change);
  }

  /** Makes again what has vanished of what is to be kept; gives what it was, one clause each. */
  restore(kinds?: readonly string[]): Promise<string[]> {
    return this.#inTurn(async () => {
      const restored: string[] = [];
      for (const change of this.#live.values()) {
        if (kinds?.includes(change.kind) ?? true) restored.push(...await this.#restoreOne(change));
      }
      return restored;
    });
  }

  /** Undoes one change, and says what became of it. */
  withdraw(id: number): Promise<ReplayReport> {
    return this.#inTurn(() => this.#undo([id]));
  }

  /**
   * Makes `change` in place of one that somebody has overwritten: that one is not to be undone any more,
   * and what is undone in the end is `change`. Gives its number.
   */
  replace(id: number, change: Change): Promise<number> {
    return this.#inTurn(async () => {
      // In this order: a crash in between leaves what somebody else wrote, and no claim to it.
      if (this.#live.delete(id)) this.#journal!.settle(id, "left");
      return (await this.#applyAll([change]))[0]!;
    });
  }

  /**
   * Undoes everything but what is to stay, last change first, and ends. The journal goes, unless something
   * failed or stays: then it is there for whoever comes next.
   */
  undo(keep?: (change: Change) => boolean): Promise<ReplayReport> {
    return this.#inTurn(async () => {
      const report = await this.#undo([...this.#live.keys()], keep);
      this.#over = true;
      if (this.#live.size === 0) this.#journal?.end();
      else this.#journal?.close();
      this.#journal = undefined;
      return report;
    });
  }

  #inTurn<T>(operation: () => Promise<T>): Promise<T> {
    const result = this.#last.then(operation);
    this.#last = result.catch(() => {});
    return result;
  }

  async #applyAll(changes: readonly Change[]): Promise<number[]> {
    if (this.#over) throw new Error("Cannot change the host: the transaction is over");
    const begun: number[] = [];
    try {
      for (const change of changes) await this.#applyOne(change, begun);
    } catch (error) {
      // Also the one that failed: half of it may be there. What cannot be undone now stays in the journal.
      await this.#undo(begun);
      throw error;
    }
    return begun;
  }

  async #restoreOne(change: Change): Promise<string[]> {
    const kind = kindOf(this.#options.kinds, change);
    if (this.#over) return [];
    if (kind.mend !== undefined) return await kind.mend(change) ? [kind.what(change)] : [];
    if (!kind.kept?.(change) || await kind.state(change) !== "absent") return [];
    this.#say(kind.command(change));
    await kind.apply(change);
    return [kind.what(change)];
  }

  async #applyOne(change: Change, begun: number[]): Promise<void> {
    const kind = kindOf(this.#options.kinds, change);
    const command = kind.command(change);
    try {
      if (this.#options.openJournal === undefined) {
        this.#sayAll(kind, change);
        begun.push(++this.#dryId);
        return;
      }
      if (kind.exclusive && await kind.state(change) === "present") throw alreadyThere();
      this.#sayAll(kind, change);
      this.#journal ??= this.#options.openJournal();
      const id = this.#journal.begin(change);
      this.#live.set(id, change);
      begun.push(id);
      await kind.apply(change);
    } catch (cause) {
      throw stepFailure(kind.what(change), command, cause);
    }
  }

  #sayAll(kind: ChangeKind, change: Change): void {
    for (const command of kind.commands?.(change) ?? [kind.command(change)]) this.#say(command);
  }

  #say(command: string): void {
    if (command === "") return;
    this.#options.log.debug(`[#] ${command}`);
    this.commands.push(command);
  }

  async #undo(
    ids: readonly number[],
    keep: (change: Change) => boolean = () => false,
  ): Promise<ReplayReport> {
    const { kinds, log } = this.#options;
    const settle = (id: number, how: "undone" | "left") => {
      this.#journal!.settle(id, how);
      this.#live.delete(id);
    };
    return await replay(this.#entries(ids), { kinds, log, keep, journal: { settle } });
  }

  #entries(ids: readonly number[]): JournalEntry[] {
    return ids.filter((id) => this.#live.has(id)).map((id) => ({
      id,
      change: this.#live.get(id)!,
    }));
  }
}

function alreadyThere(): UserError {
  return new UserError("It is there already, and not ztun's own", {
    hint: "`sudo ztun cleanup` takes away what a tunnel that crashed has left",
  });
}
