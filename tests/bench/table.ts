/** A comparison as text, for a terminal. */

import type { Comparison, Verdict } from "./compare.ts";

const HEAD = ["bench", "ns", "baseline", "ratio", "spread", "verdict"];

/** One line for each bench, in columns. */
export function table(comparisons: readonly Comparison[]): string[] {
  const rows = [HEAD, ...comparisons.map(cells)];
  const widths = HEAD.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  return rows.map((row) => {
    const aligned = row.map((cell, column) => {
      const isText = column === 0 || column === HEAD.length - 1;
      return isText ? cell.padEnd(widths[column]!) : cell.padStart(widths[column]!);
    });
    return aligned.join("  ").trimEnd();
  });
}

/** How many there are of each verdict: `40 benches: 38 same, 2 slower`. */
export function tally(comparisons: readonly Comparison[]): string {
  const counts = new Map<Verdict, number>();
  for (const { verdict } of comparisons) counts.set(verdict, (counts.get(verdict) ?? 0) + 1);
  const parts = [...counts].map(([verdict, count]) => `${count} ${verdict}`);
  return `${comparisons.length} benches: ${parts.join(", ")}`;
}

function cells({ name, nanoseconds, baseline, ratio, spread, verdict }: Comparison): string[] {
  return [
    name,
    time(nanoseconds),
    baseline === undefined ? "-" : time(baseline),
    ratio === undefined ? "-" : ratio.toFixed(2),
    `${Math.round(spread * 100)} %`,
    verdict,
  ];
}

function time(nanoseconds: number): string {
  return nanoseconds.toFixed(nanoseconds < 100 ? 1 : 0);
}
