/** Repeats one thing for a while, and says how long it took each time. */

import { quantile } from "../statistics.ts";

export type Latencies = {
  count: number;
  /** With those of the warm-up, which cost a tunnel as much. */
  total: number;
  seconds: number;
  /** Microseconds. */
  p50: number;
  p99: number;
};

/** The first rounds are those of a program that has not been compiled yet. */
const WARM_UP_MS = 200;

export function measureFor(seconds: number, once: () => void): Latencies {
  const warm = performance.now() + WARM_UP_MS;
  let warmed = 0;
  for (; performance.now() < warm; warmed++) once();
  const took: number[] = [];
  const started = performance.now();
  let before = started;
  while (before - started < seconds * 1000) {
    once();
    const after = performance.now();
    took.push((after - before) * 1000);
    before = after;
  }
  const sorted = Float64Array.from(took).sort();
  return {
    count: took.length,
    total: warmed + took.length,
    seconds: (before - started) / 1000,
    p50: quantile(sorted, 0.5),
    p99: quantile(sorted, 0.99),
  };
}
