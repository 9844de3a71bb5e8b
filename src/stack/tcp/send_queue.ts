/**
 * Bytes to be sent, until they are acknowledged: ranges of the arena, oldest first.
 *
 * What was given is never copied. A range's slot is released when its last byte is acknowledged, so a
 * retransmission sends the very bytes that were sent first.
 */

import type { Arena } from "../../arena.ts";

/** So many ranges at most: a source that gives byte by byte must not pin a slot for each. */
export const MOST_RANGES = 256;

export class SendQueue {
  readonly #arena: Arena;
  #at = new Int32Array(8);
  #end = new Int32Array(8);
  #head = 0;
  #count = 0;
  #bytes = 0;
  /** Where the last `locate` ended up: sending in order finds the next range at once. */
  #cursor = 0;
  #cursorOffset = 0;
  foundAt = 0;
  foundEnd = 0;

  constructor(arena: Arena) {
    this.#arena = arena;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get isFull(): boolean {
    return this.#count === MOST_RANGES;
  }

  /** Appends `[at, end)`, and takes over one reference to its slot. */
  push(at: number, end: number): void {
    if (this.#count === this.#at.length) this.#grow();
    const index = (this.#head + this.#count) & (this.#at.length - 1);
    this.#at[index] = at;
    this.#end[index] = end;
    this.#count++;
    this.#bytes += end - at;
  }

  /** Appends `length` bytes that stand right behind the last range, in its slot. */
  extend(length: number): void {
    const last = (this.#head + this.#count - 1) & (this.#at.length - 1);
    this.#end[last]! += length;
    this.#bytes += length;
  }

  /** Drops the first `length` bytes, which have arrived. */
  acknowledge(length: number): void {
    const mask = this.#at.length - 1;
    this.#bytes -= length;
    this.#cursorOffset -= length;
    while (length > 0) {
      const index = this.#head;
      const size = this.#end[index]! - this.#at[index]!;
      if (size > length) {
        this.#at[index]! += length;
        break;
      }
      this.#arena.release(this.#at[index]!);
      length -= size;
      this.#head = (index + 1) & mask;
      this.#count--;
      this.#cursor--;
    }
    // The head of the queue may have moved into the range that the cursor stands on, or past it.
    if (this.#cursor <= 0 || this.#cursorOffset < 0) {
      this.#cursor = 0;
      this.#cursorOffset = 0;
    }
  }

  /** Finds the byte at `offset` from the front: sets `foundAt` and `foundEnd` (the end of its range). */
  locate(offset: number): void {
    const mask = this.#at.length - 1;
    if (offset < this.#cursorOffset) {
      this.#cursor = 0;
      this.#cursorOffset = 0;
    }
    while (true) {
      const index = (this.#head + this.#cursor) & mask;
      const at = this.#at[index]!;
      const end = this.#end[index]!;
      if (offset < this.#cursorOffset + end - at) {
        this.foundAt = at + offset - this.#cursorOffset;
        this.foundEnd = end;
        return;
      }
      this.#cursorOffset += end - at;
      this.#cursor++;
    }
  }

  /** Releases everything. */
  clear(): void {
    const mask = this.#at.length - 1;
    for (let i = 0; i < this.#count; i++) this.#arena.release(this.#at[(this.#head + i) & mask]!);
    this.#count = 0;
    this.#bytes = 0;
    this.#cursor = 0;
    this.#cursorOffset = 0;
  }

  #grow(): void {
    const size = this.#at.length;
    const at = new Int32Array(size * 2);
    const end = new Int32Array(size * 2);
    for (let i = 0; i < this.#count; i++) {
      at[i] = this.#at[(this.#head + i) & (size - 1)]!;
      end[i] = this.#end[(this.#head + i) & (size - 1)]!;
    }
    this.#at = at;
    this.#end = end;
    this.#head = 0;
  }
}
