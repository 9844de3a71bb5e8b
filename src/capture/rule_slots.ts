/**
 * Rules that come and go while a tunnel runs, such as those for the proxy's address: each in a place of its
 * own among the priorities. When all are taken the oldest goes.
 */

import type { RuleChange } from "../host/changes/rule_change.ts";
import type { Transaction } from "../host/transaction.ts";

export interface SlotRange {
  readonly first: number;
  readonly count: number;
  /** Priorities that one of them takes. */
  readonly size: number;
}

export class RuleSlots {
  readonly #transaction: Transaction;
  readonly #range: SlotRange;
  /** The oldest first. */
  readonly #taken = new Map<string, { slot: number; ids: readonly number[] }>();

  constructor(transaction: Transaction, range: SlotRange) {
    this.#transaction = transaction;
    this.#range = range;
  }

  /** How many there is place for. */
  get count(): number {
    return this.#range.count;
  }

  get full(): boolean {
    return this.#taken.size === this.count;
  }

  has(key: string): boolean {
    return this.#taken.has(key);
  }

  /** Those of these that are there go last when places are wanted. */
  renew(keys: Iterable<string>): void {
    for (const key of keys) {
      const place = this.#taken.get(key);
      if (place === undefined) continue;
      this.#taken.delete(key);
      this.#taken.set(key, place);
    }
  }

  /** Makes the rules for `key`, unless they are there. */
  async add(key: string, rulesAt: (priority: number) => RuleChange[]): Promise<void> {
    if (this.has(key)) return;
    if (this.full) await this.remove(this.#taken.keys().next().value!);
    const used = new Set([...this.#taken.values()].map(({ slot }) => slot));
    let slot = 0;
    while (used.has(slot)) slot++;
    const { first, size } = this.#range;
    const ids = await this.#transaction.apply(rulesAt(first + slot * size));
    this.#taken.set(key, { slot, ids });
  }

  async remove(key: string): Promise<void> {
    for (const id of this.#taken.get(key)?.ids ?? []) await this.#transaction.withdraw(id);
    this.#taken.delete(key);
  }

  /** Takes away all but these. */
  async retain(keys: ReadonlySet<string>): Promise<void> {
    for (const key of [...this.#taken.keys()]) if (!keys.has(key)) await this.remove(key);
  }
}
