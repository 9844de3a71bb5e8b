/**
 * Bytes to be sent, until they are acknowledged: ranges of the arena, oldest first.
 *
 * What was given is never copied. A range's slot is released when its last byte is acknowledged, so a
 * retransmission sends the very bytes that were sent first.
 */

import type { Arena } from "../../arena.ts";
import { NO_RANGE, RANGE_END, RANGE_NEXT } from "../../ranges.ts";

/** So many ranges at most: a source that gives byte by byte must not pin a slot for each. */
export const MOST_RANGES = 256;

export class SendQueue {
  readonly #arena: Arena;
  #first = NO_RANGE;
  #last = NO_RANGE;
  #count = 0;
  #bytes = 0;
  /** Where the last `locate` ended up: sending in order finds the next range at once. */
  #cursor = NO_RANGE;
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
    const { ranges } = this.#arena;
    const range = ranges.take(at, end);
    if (this.#last === NO_RANGE) this.#first = range;
    else ranges.words[this.#last + RANGE_NEXT] = range;
    this.#last = range;
    this.#count++;
    this.#bytes += end - at;
  }

  /** Appends `length` bytes that stand right behind the last range, in its slot. */
  extend(length: number): void {
    this.#arena.ranges.words[this.#last + RANGE_END]! += length;
    this.#bytes += length;
  }

  /** Drops the first `length` bytes, which have arrived. */
  acknowledge(length: number): void {
    this.#bytes -= length;
    this.#cursorOffset -= length;
    while (length > 0) {
      const { words } = this.#arena.ranges;
      const at = words[this.#first]!;
      const size = words[this.#first + RANGE_END]! - at;
      if (size > length) {
        words[this.#first] = at + length;
        break;
      }
      length -= size;
      this.#dropFirst(at);
    }
    // The front of the queue may have moved into the range that the cursor stands on, or past it.
    if (this.#cursorOffset < 0) this.#rewind();
  }

  /** Finds the byte at `offset` from the front: sets `foundAt` and `foundEnd` (the end of its range). */
  locate(offset: number): void {
    const { words } = this.#arena.ranges;
    if (offset < this.#cursorOffset || this.#cursor === NO_RANGE) this.#rewind();
    while (true) {
      const at = words[this.#cursor]!;
      const end = words[this.#cursor + RANGE_END]!;
      if (offset < this.#cursorOffset + end - at) {
        this.foundAt = at + offset - this.#cursorOffset;
        this.foundEnd = end;
        return;
      }
      this.#cursorOffset += end - at;
      this.#cursor = words[this.#cursor + RANGE_NEXT]!;
    }
  }

  /** Releases everything. */
  clear(): void {
    const { ranges } = this.#arena;
    while (this.#first !== NO_RANGE) this.#dropFirst(ranges.words[this.#first]!);
    this.#bytes = 0;
    this.#rewind();
  }

  #dropFirst(at: number): void {
    this.#arena.release(at);
    this.#first = this.#arena.ranges.release(this.#first);
    if (this.#first === NO_RANGE) this.#last = NO_RANGE;
    this.#count--;
  }

  #rewind(): void {
    this.#cursor = this.#first;
    this.#cursorOffset = 0;
  }
}
