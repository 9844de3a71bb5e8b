/** Damage to bytes: what a broken sender, a broken network or an attacker would do to an input. */

import { set16 } from "../../src/bytes.ts";
import type { Random } from "./random.ts";

const TELLING_BYTES = [0, 1, 4, 5, 6, 0x0f, 0x11, 0x2c, 0x40, 0x45, 0x60, 0x7f, 0x80, 0xfe, 0xff];
const TELLING_WORDS = [
  0,
  1,
  7,
  8,
  19,
  20,
  21,
  39,
  40,
  0x1fff,
  0x2000,
  0x7fff,
  0x8000,
  0xfff8,
  65_535,
];

/** Most fields that anybody looks at lie here. */
const HEADERS = 80;

export class Mutator {
  readonly #random: Random;
  /** Whole inputs whose pieces are put into others. */
  readonly #others: readonly Uint8Array[];

  constructor(random: Random, others: readonly Uint8Array[]) {
    this.#random = random;
    this.#others = others;
  }

  /** Damages `[at, end)` in place, in one to four ways; returns the new end, at most `limit`. */
  mutate(bytes: Uint8Array, at: number, end: number, limit: number): number {
    for (let times = 1 + this.#random.below(4); times > 0; times--) {
      end = this.#once(bytes, at, end, limit);
    }
    return end;
  }

  #once(bytes: Uint8Array, at: number, end: number, limit: number): number {
    const random = this.#random;
    if (end - at < 4) return this.#append(bytes, end, limit);
    const place = this.#place(at, end);
    switch (random.below(10)) {
      case 0:
      case 1:
        bytes[place]! ^= 1 << random.below(8);
        return end;
      case 2:
        bytes[place] = random.pick(TELLING_BYTES);
        return end;
      case 3:
        set16(bytes, Math.min(place & ~1, end - 2), random.pick(TELLING_WORDS));
        return end;
      case 4:
        bytes[place] = random.next();
        return end;
      case 5:
        return random.oneIn(2) ? place : end - random.below(Math.min(16, end - at));
      case 6:
        return this.#append(bytes, end, limit);
      case 7:
        return this.#splice(bytes, at, end, limit);
      case 8:
        return this.#move(bytes, at, end, limit);
      default:
        bytes.fill(random.pick(TELLING_BYTES), place, Math.min(end, place + random.below(32)));
        return end;
    }
  }

  #place(at: number, end: number): number {
    const reach = this.#random.oneIn(4) ? end - at : Math.min(HEADERS, end - at);
    return at + this.#random.below(reach);
  }

  #append(bytes: Uint8Array, end: number, limit: number): number {
    const added = Math.min(1 + this.#random.below(64), limit - end);
    this.#random.fill(bytes, end, end + added);
    return end + added;
  }

  /** The front of this input, and the back of another. */
  #splice(bytes: Uint8Array, at: number, end: number, limit: number): number {
    const other = this.#random.pick(this.#others);
    const from = this.#random.below(other.length);
    const to = this.#place(at, end);
    const length = Math.min(other.length - from, limit - to);
    bytes.set(other.subarray(from, from + length), to);
    return to + length;
  }

  /** A piece is doubled, or taken out. */
  #move(bytes: Uint8Array, at: number, end: number, limit: number): number {
    const from = this.#place(at, end);
    const to = this.#place(at, end);
    if (end + to - from > limit) return end;
    bytes.copyWithin(to, from, end);
    return end + to - from;
  }
}
