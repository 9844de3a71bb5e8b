/**
 * HalfSipHash-2-4: a keyed hash made for short input, in 32-bit arithmetic.
 *
 * Whoever sends packets chooses addresses and ports; without a secret it could choose them so that all
 * flows fall into one bucket, and could predict sequence numbers (RFC 6528).
 */

import { get32le } from "../bytes.ts";

export class SipHash {
  readonly #key0: number;
  readonly #key1: number;
  #v0 = 0;
  #v1 = 0;
  #v2 = 0;
  #v3 = 0;

  /** Takes 8 secret bytes. */
  constructor(key: Uint8Array) {
    this.#key0 = get32le(key, 0) | 0;
    this.#key1 = get32le(key, 4) | 0;
  }

  /** The hash of `count` words from `at` on, as an unsigned 32-bit number. */
  words(words: Uint32Array, at: number, count: number): number {
    this.#v0 = this.#key0;
    this.#v1 = this.#key1;
    this.#v2 = 0x6c796765 ^ this.#key0;
    this.#v3 = 0x74656462 ^ this.#key1;
    for (let i = 0; i < count; i++) this.#compress(words[at + i]! | 0);
    // The last block is the length in bytes, as for input that is a whole number of words.
    this.#compress((count * 4) << 24);
    this.#v2 ^= 0xff;
    for (let i = 0; i < 4; i++) this.#round();
    return (this.#v1 ^ this.#v3) >>> 0;
  }

  #compress(word: number): void {
    this.#v3 ^= word;
    this.#round();
    this.#round();
    this.#v0 ^= word;
  }

  #round(): void {
    let v0 = this.#v0;
    let v1 = this.#v1;
    let v2 = this.#v2;
    let v3 = this.#v3;
    v0 = (v0 + v1) | 0;
    v1 = ((v1 << 5) | (v1 >>> 27)) ^ v0;
    v0 = (v0 << 16) | (v0 >>> 16);
    v2 = (v2 + v3) | 0;
    v3 = ((v3 << 8) | (v3 >>> 24)) ^ v2;
    v0 = (v0 + v3) | 0;
    v3 = ((v3 << 7) | (v3 >>> 25)) ^ v0;
    v2 = (v2 + v1) | 0;
    v1 = ((v1 << 13) | (v1 >>> 19)) ^ v2;
    v2 = (v2 << 16) | (v2 >>> 16);
    this.#v0 = v0;
    this.#v1 = v1;
    this.#v2 = v2;
    this.#v3 = v3;
  }
}
