/** One measurement: a scenario, once, with one variant. */

import type { Figures } from "./figures.ts";
import type { ScenarioName } from "./scenario_names.ts";

export interface Sample {
  scenario: ScenarioName;
  variant: string;
  round: number;
  figures: Figures;
  /** The share of the machine's CPU time that others used meanwhile. */
  foreignShare: number;
  /** Why there are no figures. */
  failure?: string;
}
