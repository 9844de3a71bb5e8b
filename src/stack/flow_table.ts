/**
 * From addresses and ports to the object that owns the flow: open addressing over a typed array.
 *
 * No strings, no objects, no allocation per look-up. A key is ten words: both addresses (IPv4 in its
 * mapped form), then two words for the caller (ports; fragment id and protocol). Deleting shifts the
 * followers back, so there are no tombstones and a table that has emptied is as fast as a new one.
 */

import { get32 } from "../bytes.ts";
import type { SipHash } from "./siphash.ts";

export const KEY_WORDS = 10;
const SMALLEST = 64;

export class FlowTable<T> {
  /** The key that `find`, `insert` and `delete` mean; filled by `setKey`. */
  readonly key = new Uint32Array(KEY_WORDS);
  readonly #hash: SipHash;
  #capacity = SMALLEST;
  #keys = new Uint32Array(SMALLEST * KEY_WORDS);
  #values: (T | undefined)[] = new Array(SMALLEST).fill(undefined);
  #size = 0;
  /** Where `find` found something last. */
  #last = 0;

  constructor(hash: SipHash) {
    this.#hash = hash;
  }

  get size(): number {
    return this.#size;
  }

  /** Sets the key from addresses that lie in `bytes`; `remoteAt` -1 stands for any remote. */
  setKey(
    bytes: Uint8Array,
    localAt: number,
    remoteAt: number,
    addressLength: number,
    word8: number,
    word9: number,
  ): void {
    this.#setAddress(0, bytes, localAt, addressLength);
    if (remoteAt >= 0) this.#setAddress(4, bytes, remoteAt, addressLength);
    else this.key.fill(0, 4, 8);
    this.key[8] = word8;
    this.key[9] = word9;
  }

  /** Sets the key from a connection's words (tcp/endpoints.ts): both addresses, then one more word. */
  setWords(words: readonly number[]): void {
    const key = this.key;
    key.fill(0);
    if (words.length === 9) return key.set(words);
    key[2] = 0xffff;
    key[3] = words[0]!;
    key[6] = 0xffff;
    key[7] = words[1]!;
    key[8] = words[2]!;
  }

  find(): T | undefined {
    // Packets of one flow come in a row: then there is nothing to hash.
    const last = this.#values[this.#last];
    if (last !== undefined && this.#sameKey(this.#last)) return last;
    let slot = this.#home(this.key, 0);
    while (this.#values[slot] !== undefined) {
      if (this.#sameKey(slot)) {
        this.#last = slot;
        return this.#values[slot];
      }
      slot = (slot + 1) & (this.#capacity - 1);
    }
    return undefined;
  }

  /** Adds a value under the key, which must not be there yet. */
  insert(value: T): void {
    if (this.#size * 4 >= this.#capacity * 3) this.#resize(this.#capacity * 2);
    let slot = this.#home(this.key, 0);
    while (this.#values[slot] !== undefined) slot = (slot + 1) & (this.#capacity - 1);
    this.#keys.set(this.key, slot * KEY_WORDS);
    this.#values[slot] = value;
    this.#size++;
  }

  /** Removes what is under the key; false when nothing is. */
  delete(): boolean {
    let slot = this.#home(this.key, 0);
    while (!this.#sameKey(slot)) {
      if (this.#values[slot] === undefined) return false;
      slot = (slot + 1) & (this.#capacity - 1);
    }
    if (this.#values[slot] === undefined) return false;
    this.#closeGap(slot);
    this.#size--;
    if (this.#capacity > SMALLEST && this.#size * 8 < this.#capacity) {
      this.#resize(this.#capacity / 2);
    }
    return true;
  }

  /** Removes every entry whose value passes; looks at the whole table. */
  deleteWhere(passes: (value: T) => boolean): void {
    for (let slot = 0; slot < this.#capacity;) {
      const value = this.#values[slot];
      // What closes the gap may pass too: look at the same slot again.
      if (value !== undefined && passes(value)) {
        this.#closeGap(slot);
        this.#size--;
      } else slot++;
    }
  }

  /** Calls `visit` for every value; the table must not change meanwhile. */
  forEach(visit: (value: T) => void): void {
    for (const value of this.#values) if (value !== undefined) visit(value);
  }

  #setAddress(word: number, bytes: Uint8Array, at: number, addressLength: number): void {
    const key = this.key;
    if (addressLength === 4) {
      key[word] = 0;
      key[word + 1] = 0;
      key[word + 2] = 0xffff;
      key[word + 3] = get32(bytes, at);
      return;
    }
    for (let i = 0; i < 4; i++) key[word + i] = get32(bytes, at + 4 * i);
  }

  #home(words: Uint32Array, at: number): number {
    return this.#hash.words(words, at, KEY_WORDS) & (this.#capacity - 1);
  }

  #sameKey(slot: number): boolean {
    const keys = this.#keys;
    const key = this.key;
    const at = slot * KEY_WORDS;
    // Ports differ most often: compare from the end.
    for (let i = KEY_WORDS - 1; i >= 0; i--) if (keys[at + i] !== key[i]) return false;
    return true;
  }

  /** Moves followers of the run back over `gap` where their home allows it. */
  #closeGap(gap: number): void {
    const mask = this.#capacity - 1;
    let slot = gap;
    while (true) {
      slot = (slot + 1) & mask;
      if (this.#values[slot] === undefined) break;
      const home = this.#home(this.#keys, slot * KEY_WORDS);
      if (((slot - home) & mask) < ((slot - gap) & mask)) continue;
      this.#keys.copyWithin(gap * KEY_WORDS, slot * KEY_WORDS, (slot + 1) * KEY_WORDS);
      this.#values[gap] = this.#values[slot];
      gap = slot;
    }
    this.#values[gap] = undefined;
  }

  #resize(capacity: number): void {
    const keys = this.#keys;
    const values = this.#values;
    this.#capacity = capacity;
    this.#keys = new Uint32Array(capacity * KEY_WORDS);
    this.#values = new Array(capacity).fill(undefined);
    for (let old = 0; old < values.length; old++) {
      if (values[old] === undefined) continue;
      let slot = this.#home(keys, old * KEY_WORDS);
      while (this.#values[slot] !== undefined) slot = (slot + 1) & (capacity - 1);
      this.#keys.set(keys.subarray(old * KEY_WORDS, (old + 1) * KEY_WORDS), slot * KEY_WORDS);
      this.#values[slot] = values[old];
    }
  }
}
