/**
 * What a bench's time is divided by, because nanoseconds say nothing on another machine: a step of plain
 * arithmetic and a step through memory, each as long as the one before it takes.
 *
 * Every bench file runs both kernels first and last, so that the divisor was measured in the same process
 * and at the same time as what it divides.
 */

import { measure } from "./measure.ts";

export const ARITHMETIC = "reference: arithmetic";
export const WALK = "reference: walk";

/** Steps of one pass. */
export const STEPS = 1 << 14;

/** 256 KiB of them: more than the first cache holds, less than the second. */
const WORDS = 1 << 16;

/** Registers the benches of a file between two measurements of the kernels. */
export function withReference(register: () => void): void {
  const words = singleCycle(WORDS);
  benchKernels(words, 1);
  register();
  // Deno runs what is timed by the same number together: by another one these come last.
  benchKernels(words, 2);
}

function benchKernels(words: Uint32Array, passes: number): void {
  let hash = 1;
  measure(ARITHMETIC, () => {
    for (let i = 0; i < STEPS; i++) hash = (Math.imul(hash ^ words[i]!, 0x9e37_79b1) + i) | 0;
    return hash;
  }, passes);
  let at = 0;
  measure(WALK, () => {
    for (let i = 0; i < STEPS; i++) at = words[at]!;
    return at;
  }, passes);
}

/** A permutation that goes through every place before it comes back (Sattolo), the same in every run. */
function singleCycle(size: number): Uint32Array {
  const next = Uint32Array.from({ length: size }, (_, i) => i);
  let random = 1;
  for (let i = size - 1; i > 0; i--) {
    random = (Math.imul(random, 1_664_525) + 1_013_904_223) >>> 0;
    const j = (random >>> 8) % i;
    const kept = next[i]!;
    next[i] = next[j]!;
    next[j] = kept;
  }
  return next;
}
