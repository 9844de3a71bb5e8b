/**
 * How long answers took: last, least, most, mean, and a histogram of fixed size for percentiles.
 *
 * Buckets double: the first is below 1 ms, bucket `i` is [2^(i-1), 2^i) ms, the last takes the rest.
 * A percentile is therefore an upper bound, at most twice the truth, for 68 bytes and no sorting.
 */

/** The last closed bucket ends at 32.8 s, well past any deadline for an answer. */
const BUCKETS = 17;

export class Latency {
  count = 0;
  last = 0;
  min = 0;
  max = 0;
  #total = 0;
  readonly #buckets = new Uint32Array(BUCKETS);

  add(milliseconds: number): void {
    const value = Math.max(0, milliseconds);
    this.min = this.count === 0 ? value : Math.min(this.min, value);
    this.max = Math.max(this.max, value);
    this.last = value;
    this.#total += value;
    this.count++;
    const bucket = bucketOf(value);
    this.#buckets[bucket] = this.bucket(bucket) + 1;
  }

  get mean(): number {
    return this.count === 0 ? 0 : this.#total / this.count;
  }

  get buckets(): number {
    return BUCKETS;
  }

  /** How many values fell into bucket `i`. */
  bucket(i: number): number {
    return this.#buckets[i] ?? 0;
  }

  /** A time that at least `fraction` (0 to 1) of all answers did not exceed; 0 when there are none. */
  percentile(fraction: number): number {
    const wanted = Math.max(1, Math.ceil(fraction * this.count));
    let seen = 0;
    for (let i = 0; i < BUCKETS - 1; i++) {
      seen += this.bucket(i);
      if (seen >= wanted) return Math.min(2 ** i, this.max);
    }
    return this.max;
  }
}

function bucketOf(milliseconds: number): number {
  if (milliseconds >= 2 ** (BUCKETS - 2)) return BUCKETS - 1;
  return milliseconds < 1 ? 0 : 32 - Math.clz32(milliseconds);
}
