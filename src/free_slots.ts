/**
 * Which slots are free: a bit for each, and above every 32 words of them one word that says where to look.
 *
 * The lowest free one is taken. So what is in use gathers at the low end, and what lies beyond is left
 * alone: its memory can be given back. A stack takes 5 ns less, and mixes the two.
 */

export class FreeSlots {
  readonly #words: Int32Array;
  readonly #groups: Int32Array;
  #count: number;
  /** No group before this one has a free slot. */
  #first = 0;

  /** All of them are free. */
  constructor(count: number) {
    this.#words = ones(count);
    this.#groups = ones(this.#words.length);
    this.#count = count;
  }

  get count(): number {
    return this.#count;
  }

  /** Takes the lowest free slot; -1 when there is none. */
  take(): number {
    if (this.#count === 0) return -1;
    while (this.#groups[this.#first] === 0) this.#first++;
    const group = this.#groups[this.#first]!;
    const at = 32 * this.#first + lowestBit(group);
    const word = this.#words[at]!;
    const left = word & (word - 1);
    this.#words[at] = left;
    if (left === 0) this.#groups[this.#first] = group & (group - 1);
    this.#count--;
    return 32 * at + lowestBit(word);
  }

  /** Frees a slot that was taken. */
  put(slot: number): void {
    const at = slot >> 5;
    const word = this.#words[at]!;
    this.#words[at] = word | (1 << (slot & 31));
    if (word === 0) this.#announce(at);
    this.#count++;
  }

  /** The word at `at` has a free slot again. */
  #announce(at: number): void {
    const group = at >> 5;
    this.#groups[group]! |= 1 << (at & 31);
    if (group < this.#first) this.#first = group;
  }
}

/** `count` bits that are set, the lowest first. */
function ones(count: number): Int32Array {
  const words = new Int32Array(Math.ceil(count / 32)).fill(-1);
  if (count % 32 !== 0) words[words.length - 1] = (1 << (count % 32)) - 1;
  return words;
}

function lowestBit(word: number): number {
  return 31 - Math.clz32(word & -word);
}
