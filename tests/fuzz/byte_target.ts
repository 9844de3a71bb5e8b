/** A target that is fed bytes: kept examples, damaged, or bytes at random. */

import { Mutator } from "./mutate.ts";
import { Random } from "./random.ts";
import type { FuzzRun, FuzzTarget } from "./target.ts";

const LARGEST = 4_096;
/** The input lies somewhere in the middle, so that code which counts from zero is found out. */
const SURROUNDINGS = 64;

/** Takes `[at, end)`; may change bytes in there. All that is random comes from `random`. */
export type ByteFeed = (bytes: Uint8Array, at: number, end: number, random: Random) => void;

export interface ByteTargetOptions {
  readonly name: string;
  readonly examples: readonly Uint8Array[];
  /** Makes what takes the inputs of one run. */
  readonly start: (seed: number) => ByteFeed;
}

export function byteTarget(options: ByteTargetOptions): FuzzTarget {
  const { name, examples, start } = options;
  return {
    name,
    runLength: 50_000,
    start: (seed) => new ByteRun(seed, examples, start(seed)),
  };
}

class ByteRun implements FuzzRun {
  readonly #random: Random;
  readonly #examples: readonly Uint8Array[];
  readonly #mutator: Mutator;
  readonly #feed: ByteFeed;
  readonly #bytes = new Uint8Array(LARGEST);
  readonly #surroundings = new Uint8Array(LARGEST + 2 * SURROUNDINGS);

  constructor(seed: number, examples: readonly Uint8Array[], feed: ByteFeed) {
    this.#random = new Random(seed);
    this.#examples = examples;
    this.#mutator = new Mutator(this.#random, examples);
    this.#feed = feed;
  }

  next(): Uint8Array {
    const random = this.#random;
    const bytes = this.#bytes;
    if (random.oneIn(20)) {
      const length = random.below(80);
      random.fill(bytes, 0, length);
      return bytes.subarray(0, length);
    }
    const example = random.pick(this.#examples);
    bytes.set(example.subarray(0, LARGEST));
    const end = Math.min(example.length, LARGEST);
    return bytes.subarray(0, random.oneIn(10) ? end : this.#mutator.mutate(bytes, 0, end, LARGEST));
  }

  /** Lies among bytes that are not its own, of one value. */
  feed(input: Uint8Array): void {
    const bytes = this.#surroundings;
    const at = this.#random.below(SURROUNDINGS);
    const end = at + input.length;
    bytes.fill(this.#random.oneIn(2) ? 0xa5 : 0x00);
    bytes.set(input, at);
    this.#feed(bytes, at, end, this.#random);
  }

  finish(): void {}
}
