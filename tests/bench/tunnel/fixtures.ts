/** A small result, for the tests of what is made of one. */

import type { Figures } from "./figures.ts";
import type { Machine } from "./machine.ts";
import { parseOptions } from "./options.ts";
import { type Result, resultOfRun } from "./result.ts";
import type { Sample } from "./sample.ts";
import type { ScenarioName } from "./scenario_names.ts";
import type { Variant } from "./variants.ts";

export const VARIANTS: readonly Variant[] = [
  { kind: "direct", name: "direct" },
  { kind: "proxy", name: "proxy" },
  {
    kind: "peer",
    name: "hev",
    peer: { name: "hev", command: "hev", configTemplate: undefined, mtu: 8500, title: "hev 2" },
  },
  { kind: "ztun", name: "ztun", ztun: { flags: [] } },
];

/** One sample for each of the figures, in consecutive rounds. */
export function samples(
  scenario: ScenarioName,
  variant: string,
  rounds: readonly Figures[],
  foreignShare = 0,
): Sample[] {
  return rounds.map((figures, round) => ({ scenario, variant, round, figures, foreignShare }));
}

export function failed(scenario: ScenarioName, variant: string, round: number): Sample {
  return { scenario, variant, round, figures: {}, foreignShare: 0, failure: "no answer" };
}

/** Everybody's throughput, in three rounds. */
export function throughputs(byVariant: Readonly<Record<string, number[]>>): Sample[] {
  return Object.entries(byVariant).flatMap(([variant, values]) =>
    samples("tcp-up-1", variant, values.map((throughput) => ({ throughput })))
  );
}

export const QUIET_RUN = throughputs({
  direct: [20, 20, 21],
  proxy: [10, 11, 12],
  hev: [4, 5, 6],
  ztun: [9, 10, 30],
});

const MACHINE: Machine = { cpus: 2, cpu: "Some CPU", kernel: "6.18.1-custom", deno: "2.9.6" };

/** A run with these samples, made at the beginning of 2026. */
export function resultWith(samples: readonly Sample[]): Result {
  const result = resultOfRun(parseOptions([]), MACHINE, VARIANTS, samples);
  return { ...result, date: "2026-01-02T03:04:05.678Z" };
}
