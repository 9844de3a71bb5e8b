/**
 * Ranges of packet memory that stand in somebody's queue: one pool for all queues, linked by number.
 *
 * A queue is two numbers, its first range and its last, so that ten thousand flows with nothing to send
 * own no arrays, and the one that has most takes what the others do not need. A range holds on to a slot,
 * and a queue has a bound of its own: there are not many more ranges than slots.
 */

const SMALLEST = 256;
/** The end of a queue, and of the list of free ranges. */
export const NO_RANGE = -1;

/** What stands where in a range's four words: its beginning, its end, and the range behind it. */
export const RANGE_WORDS = 4;
export const RANGE_END = 1;
export const RANGE_NEXT = 2;

export class Ranges {
  /** The words of all ranges. A range's number is where its words begin. */
  words = new Int32Array(SMALLEST * RANGE_WORDS);
  #free = NO_RANGE;
  /** Ranges from here on were never used since the array has this size. */
  #unused = 0;
  #taken = 0;

  /** How many ranges there is room for. */
  get capacity(): number {
    return this.words.length / RANGE_WORDS;
  }

  /** A range `[at, end)` that nothing stands behind. */
  take(at: number, end: number): number {
    let range = this.#free;
    if (range === NO_RANGE) range = this.#another();
    else this.#free = this.words[range + RANGE_NEXT]!;
    const words = this.words;
    words[range] = at;
    words[range + RANGE_END] = end;
    words[range + RANGE_NEXT] = NO_RANGE;
    this.#taken++;
    return range;
  }

  /** Frees a range; gives the one that stood behind it. */
  release(range: number): number {
    const behind = this.words[range + RANGE_NEXT]!;
    this.words[range + RANGE_NEXT] = this.#free;
    this.#free = range;
    if (--this.#taken === 0 && this.capacity > SMALLEST) this.#beginAnew();
    return behind;
  }

  #another(): number {
    if (this.#unused === this.words.length) this.#grow();
    const range = this.#unused;
    this.#unused += RANGE_WORDS;
    return range;
  }

  #grow(): void {
    const words = this.words;
    this.words = new Int32Array(2 * words.length);
    this.words.set(words);
  }

  #beginAnew(): void {
    this.words = new Int32Array(SMALLEST * RANGE_WORDS);
    this.#free = NO_RANGE;
    this.#unused = 0;
  }
}
