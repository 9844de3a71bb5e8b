/** The rounds of each scenario put together: medians, ratios, and what stands against a verdict. */

import { figureKind, type FigureName } from "./figures.ts";
import { noiseIn } from "./noise.ts";
import type { Sample } from "./sample.ts";
import { SCENARIO_NAMES, type ScenarioName } from "./scenario_names.ts";
import { median } from "./statistics.ts";
import { type Contestant, isReference } from "./variants.ts";

export interface Row {
  figure: FigureName;
  /** By variant. */
  medians: Readonly<Record<string, number>>;
  /** By the names of `comparisons`. */
  ratios: Readonly<Record<string, number>>;
}

export interface ScenarioSummary {
  name: ScenarioName;
  /** The first is the one that the scenario is about. */
  rows: readonly Row[];
  /** Why there is no verdict, and so no ratio. */
  noise: readonly string[];
  failures: readonly Failure[];
}

export interface Failure {
  variant: string;
  /** Which rounds, counted from 1, failed in the same way. */
  rounds: readonly number[];
  message: string;
}

/** `ztun / proxy` and so on: each ztun against each reference. */
export interface Comparison {
  name: string;
  of: string;
  to: string;
}

export function comparisons(variants: readonly Contestant[]): Comparison[] {
  const references = variants.filter(isReference);
  return variants.filter(({ kind }) => kind === "ztun").flatMap(({ name: of }) =>
    references.map(({ name: to }) => ({ name: `${of} / ${to}`, of, to }))
  );
}

export function summarize(
  samples: readonly Sample[],
  variants: readonly Contestant[],
): ScenarioSummary[] {
  const compared = comparisons(variants);
  return SCENARIO_NAMES.flatMap((name) => {
    const own = samples.filter(({ scenario }) => scenario === name);
    return own.length === 0 ? [] : [summarizeScenario(name, own, compared)];
  });
}

function summarizeScenario(
  name: ScenarioName,
  samples: readonly Sample[],
  compared: readonly Comparison[],
): ScenarioSummary {
  // In the order in which the scenario names them.
  const present = [
    ...new Set(samples.flatMap(({ figures }) => Object.keys(figures))),
  ] as FigureName[];
  const noise = noiseIn(samples, present[0]);
  const rows = present.map((figure): Row => {
    const medians = mediansOf(samples, figure);
    return { figure, medians, ratios: noise.length > 0 ? {} : ratios(figure, medians, compared) };
  });
  return { name, rows, noise, failures: failuresOf(samples) };
}

function failuresOf(samples: readonly Sample[]): Failure[] {
  const failed = samples.filter(({ failure }) => failure !== undefined);
  const alike = Map.groupBy(failed, ({ variant, failure }) => `${variant}: ${failure}`);
  return [...alike.values()].map((same) => ({
    variant: same[0]!.variant,
    rounds: same.map(({ round }) => round + 1),
    message: same[0]!.failure!,
  }));
}

function mediansOf(samples: readonly Sample[], figure: FigureName): Record<string, number> {
  const byVariant = Map.groupBy(samples, ({ variant }) => variant);
  const pairs = [...byVariant].flatMap(([variant, own]) => {
    const values = own.flatMap(({ figures }) => figures[figure] ?? []);
    return values.length === 0 ? [] : [[variant, median(values)] as const];
  });
  return Object.fromEntries(pairs);
}

function ratios(
  figure: FigureName,
  medians: Readonly<Record<string, number>>,
  compared: readonly Comparison[],
): Record<string, number> {
  if (figureKind(figure).better === undefined) return {};
  const pairs = compared.flatMap(({ name, of, to }) => {
    const ratio = (medians[of] ?? NaN) / (medians[to] ?? NaN);
    return Number.isFinite(ratio) ? [[name, ratio] as const] : [];
  });
  return Object.fromEntries(pairs);
}
