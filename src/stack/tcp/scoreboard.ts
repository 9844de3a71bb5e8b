/**
 * Which bytes beyond the acknowledgement the peer reports to have (RFC 2018, 6675).
 *
 * SACK is advice: when the ranges are too many the highest ones are forgotten, which costs a needless
 * retransmission and nothing else.
 */

import { seqDiff, seqLe, seqLt, seqMax } from "./seq.ts";

/**
 * A queue that overflows in slow start drops every second packet: a window of 1 MiB comes to 360 ranges.
 * What is forgotten counts as still in the network, and then nothing is sent.
 */
const MOST = 1024;
const FIRST_SIZE = 8;

export class Scoreboard {
  #left = new Uint32Array(FIRST_SIZE);
  #right = new Uint32Array(FIRST_SIZE);
  #count = 0;
  /** Bytes in all ranges. */
  bytes = 0;

  get isEmpty(): boolean {
    return this.#count === 0;
  }

  clear(): void {
    this.#count = 0;
    this.bytes = 0;
  }

  /** Adds `[left, right)`; true when that was news. */
  add(left: number, right: number): boolean {
    let first = 0;
    while (first < this.#count && seqLt(this.#right[first]!, left)) first++;
    let last = first;
    while (last < this.#count && seqLe(this.#left[last]!, right)) last++;
    if (last > first) {
      if (seqLe(this.#left[first]!, left) && seqLe(right, this.#right[first]!)) return false;
      if (seqLt(this.#left[first]!, left)) left = this.#left[first]!;
      right = seqMax(this.#right[last - 1]!, right);
    }
    this.#replace(first, last, left, right);
    return true;
  }

  /** Forgets what lies below `una`. */
  advance(una: number): void {
    let gone = 0;
    while (gone < this.#count && seqLe(this.#right[gone]!, una)) {
      this.bytes -= seqDiff(this.#right[gone]!, this.#left[gone]!);
      gone++;
    }
    if (gone > 0) this.#shift(gone, -gone);
    if (this.#count > 0 && seqLt(this.#left[0]!, una)) {
      this.bytes -= seqDiff(una, this.#left[0]!);
      this.#left[0] = una;
    }
  }

  /**
   * Up to where bytes that are not reported must be taken for lost: more than `threshold` bytes above
   * have arrived (RFC 6675, IsLost). `una` when nothing is lost.
   */
  lossEdge(una: number, threshold: number): number {
    let above = 0;
    for (let i = this.#count - 1; i >= 0; i--) {
      above += seqDiff(this.#right[i]!, this.#left[i]!);
      if (above > threshold) return this.#left[i]!;
    }
    return una;
  }

  /** The first byte at or after `from` that is not reported. */
  skip(from: number): number {
    for (let i = 0; i < this.#count; i++) {
      if (seqLt(from, this.#left[i]!)) return from;
      if (seqLt(from, this.#right[i]!)) return this.#right[i]!;
    }
    return from;
  }

  /** How many bytes from `from` on are not reported, at most up to `limit`. */
  hole(from: number, limit: number): number {
    for (let i = 0; i < this.#count; i++) {
      if (seqLt(from, this.#left[i]!)) {
        return Math.min(seqDiff(this.#left[i]!, from), seqDiff(limit, from));
      }
    }
    return seqDiff(limit, from);
  }

  /** How many bytes of `[from, to)` are not reported. */
  missing(from: number, to: number): number {
    let missing = Math.max(0, seqDiff(to, from));
    for (let i = 0; i < this.#count && missing > 0; i++) {
      const left = seqMax(this.#left[i]!, from);
      const right = seqLt(this.#right[i]!, to) ? this.#right[i]! : to;
      if (seqLt(left, right)) missing -= seqDiff(right, left);
    }
    return missing;
  }

  #replace(first: number, last: number, left: number, right: number): void {
    for (let i = first; i < last; i++) this.bytes -= seqDiff(this.#right[i]!, this.#left[i]!);
    if (this.#count === this.#left.length) this.#grow();
    this.#shift(last, first + 1 - last);
    this.#left[first] = left;
    this.#right[first] = right;
    this.bytes += seqDiff(right, left);
    if (this.#count === MOST) {
      this.#count--;
      this.bytes -= seqDiff(this.#right[this.#count]!, this.#left[this.#count]!);
    }
  }

  #grow(): void {
    const left = new Uint32Array(2 * this.#count);
    const right = new Uint32Array(2 * this.#count);
    left.set(this.#left);
    right.set(this.#right);
    this.#left = left;
    this.#right = right;
  }

  /** Moves the ranges from `index` on by `by` places. */
  #shift(index: number, by: number): void {
    if (by !== 0) {
      this.#left.copyWithin(index + by, index, this.#count);
      this.#right.copyWithin(index + by, index, this.#count);
    }
    this.#count += by;
  }
}

/** The scoreboard of every connection whose peer reports nothing: always empty, never added to. */
export const NOTHING_REPORTED = new Scoreboard();
