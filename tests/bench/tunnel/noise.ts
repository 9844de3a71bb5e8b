/**
 * When the machine was too noisy for a verdict on a scenario: when what has no tunnel in it (`direct`,
 * `proxy`) did not come out alike in all rounds, or when other programs had a share of the machine.
 */

import { median, spread } from "./statistics.ts";
import type { FigureName } from "./figures.ts";
import type { Sample } from "./sample.ts";

/** Between the rounds of a control: (largest - smallest) / median of the scenario's first figure. */
export const SPREAD_BOUND = 0.25;
/** Of the machine's CPU time, in the median sample. */
export const FOREIGN_BOUND = 0.05;

const CONTROLS = ["direct", "proxy"];

/** The reasons, in words; none when it was quiet enough. `samples` are those of one scenario. */
export function noiseIn(samples: readonly Sample[], primary: FigureName | undefined): string[] {
  const reasons = CONTROLS.flatMap((control) => {
    const values = samples
      .filter(({ variant }) => variant === control)
      .flatMap(({ figures }) => (primary && figures[primary]) ?? []);
    const apart = spread(values);
    if (!(apart > SPREAD_BOUND)) return [];
    return [`the rounds of ${control} are ${percent(apart)} apart`];
  });
  const foreign = median(samples.map(({ foreignShare }) => foreignShare));
  if (foreign > FOREIGN_BOUND) reasons.push(`others used ${percent(foreign)} of the CPU time`);
  return reasons;
}

function percent(share: number): string {
  return `${Math.round(share * 100)} %`;
}
