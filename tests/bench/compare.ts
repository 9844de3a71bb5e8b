/**
 * Rounds against a baseline. What is stored and compared is a cost: time in steps of the reference
 * (`reference.ts`), the median over the rounds.
 */

import type { Reading } from "./round.ts";

/**
 * A cost this many times the baseline's is slower. Runs on one machine agree within a few per cent, however
 * busy it is; the rest is for other machines, whose parts are not all faster or slower by the same factor.
 */
export const BOUND = 1.5;

/** Where the middle half of the rounds spreads over more than this share of the median, nothing is said. */
export const MOST_SPREAD = 0.25;

/** 40 bytes come before 1460. */
const byName = new Intl.Collator("en", { numeric: true });

/** Cost of each bench, by name. */
export type Baseline = Readonly<Record<string, number>>;

export type Verdict = "same" | "slower" | "faster" | "too noisy" | "new";

export interface Figure {
  readonly name: string;
  readonly nanoseconds: number;
  readonly cost: number;
  /** Between the quartiles of the cost, as a share of the median. */
  readonly spread: number;
}

export interface Comparison extends Figure {
  /** The baseline's time at the speed of this machine; undefined when it is not in the baseline. */
  readonly baseline: number | undefined;
  readonly ratio: number | undefined;
  readonly verdict: Verdict;
}

/** One figure for each bench, by name: what belongs together begins alike. */
export function summarize(rounds: readonly (readonly Reading[])[]): Figure[] {
  const names = (rounds[0] ?? []).map(({ name }) => name).sort(byName.compare);
  return names.map((name) => {
    const readings = rounds.flatMap((round) => round.filter((reading) => reading.name === name));
    const costs = readings.map(({ cost }) => cost);
    const cost = quantile(costs, 0.5);
    return {
      name,
      nanoseconds: quantile(readings.map(({ nanoseconds }) => nanoseconds), 0.5),
      cost,
      spread: (quantile(costs, 0.75) - quantile(costs, 0.25)) / cost,
    };
  });
}

export function compare(figures: readonly Figure[], baseline: Baseline): Comparison[] {
  return figures.map((figure) => {
    const stored = baseline[figure.name];
    const ratio = stored === undefined ? undefined : figure.cost / stored;
    return {
      ...figure,
      baseline: ratio === undefined ? undefined : figure.nanoseconds / ratio,
      ratio,
      verdict: judge(figure, ratio),
    };
  });
}

/** Names in the baseline that no bench has any more. */
export function missing(figures: readonly Figure[], baseline: Baseline): string[] {
  return Object.keys(baseline).filter((name) => !figures.some((figure) => figure.name === name));
}

/** The baseline with these figures; what was too noisy keeps its old cost, if it had one. */
export function updated(figures: readonly Figure[], baseline: Baseline): Baseline {
  const next: Record<string, number> = {};
  for (const { name, cost, spread } of figures) {
    const kept = spread > MOST_SPREAD ? baseline[name] : Number(cost.toPrecision(4));
    if (kept !== undefined) next[name] = kept;
  }
  return next;
}

function judge({ spread }: Figure, ratio: number | undefined): Verdict {
  if (spread > MOST_SPREAD) return "too noisy";
  if (ratio === undefined) return "new";
  if (ratio > BOUND) return "slower";
  return ratio < 1 / BOUND ? "faster" : "same";
}

/** Between two values it is drawn straight. */
function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  const place = share * (sorted.length - 1);
  const below = sorted[Math.floor(place)]!;
  return below + (sorted[Math.ceil(place)]! - below) * (place % 1);
}
