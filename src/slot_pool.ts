/**
 * Slots of one size, by number, with counted references.
 *
 * Their memory goes back to the system in blocks of one or more slots: a block that is free rests from one
 * sweep to the next, and then goes unless it was used meanwhile. So what traffic needs again and again
 * stays, and what a burst has needed goes soon after it.
 */

import { FreeSlots } from "./free_slots.ts";

/** What a block's pages are doing: not there, in use, free and about to go. */
const ABSENT = 0;
const USED = 1;
const RESTING = 2;

export class SlotPool {
  readonly count: number;
  /** Slots of a block, as a power of two. */
  readonly #shift: number;
  readonly #free: FreeSlots;
  readonly #references: Uint16Array;
  /** For each block how many slots are taken, and what its pages are doing. */
  readonly #taken: Uint8Array;
  readonly #pages: Uint8Array;

  constructor(count: number, shift: number) {
    this.count = count;
    this.#shift = shift;
    this.#free = new FreeSlots(count);
    this.#references = new Uint16Array(count);
    // The last block may be cut short: its pages are never given back.
    this.#taken = new Uint8Array((count >> shift) + 1);
    this.#pages = new Uint8Array((count >> shift) + 1);
  }

  get free(): number {
    return this.#free.count;
  }

  /** Takes the lowest slot that is free, with one reference; -1 when all are in use. */
  take(): number {
    const slot = this.#free.take();
    if (slot < 0) return -1;
    const block = slot >> this.#shift;
    this.#references[slot] = 1;
    this.#taken[block]!++;
    this.#pages[block] = USED;
    return slot;
  }

  retain(slot: number): void {
    this.#references[slot]!++;
  }

  release(slot: number): void {
    const left = this.#references[slot]! - 1;
    if (left < 0) throw new Error("Cannot release a slot that nobody holds");
    this.#references[slot] = left;
    if (left > 0) return;
    this.#taken[slot >> this.#shift]!--;
    this.#free.put(slot);
  }

  references(slot: number): number {
    return this.#references[slot]!;
  }

  /**
   * Calls `give` for runs of blocks that have been free since the last sweep, of `most` blocks in all. True
   * when another sweep will have something to give.
   */
  sweep(most: number, give: (from: number, to: number) => void): boolean {
    const blocks = this.count >> this.#shift;
    const pages = this.#pages;
    let more = false;
    let from = 0;
    for (let block = 0; block < blocks; block++) {
      const free = this.#taken[block] === 0 && pages[block] !== ABSENT;
      if (free && pages[block] === RESTING && most > 0) {
        pages[block] = ABSENT;
        most--;
        continue;
      }
      if (from < block) give(from, block);
      from = block + 1;
      if (!free) continue;
      pages[block] = RESTING;
      more = true;
    }
    if (from < blocks) give(from, blocks);
    return more;
  }
}
