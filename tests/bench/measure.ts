/**
 * Registers a microbench with `deno bench`: an operation that is called so often that the time between two
 * looks at the clock is some 20 to 200 µs. That is long for the clock, and short enough that on a busy
 * machine many of them pass undisturbed: the lowest one counts.
 *
 * The loop is one for all benches of a file: so an operation is compiled by itself, not into the loop, and
 * what it returns counts as used. That number is what keeps the compiler from dropping the work; to keep
 * it from doing the work once and for all, an operation takes another input each time.
 */

/** For an operation of 5 to 50 ns. */
const MANY = 4_096;
/** For one of 100 to 1000 ns. */
export const FEW = 256;

/** Optimized code may be long in coming while others use the processor. */
const WARM_UP = 500;
const MEASURED = 500;

let sink = 0;

export function measure(name: string, operation: () => number, calls = MANY): void {
  Deno.bench({
    name,
    // Deno's report has no other field in which the number could stand beside the time.
    group: `${calls} calls`,
    warmup: WARM_UP,
    n: MEASURED,
    fn: () => {
      for (let i = 0; i < calls; i++) sink = (sink + operation()) | 0;
    },
  });
}
