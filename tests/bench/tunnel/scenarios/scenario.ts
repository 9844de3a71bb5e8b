/** What a scenario is: a name, and how one sample of it is taken. */

import type { BenchLab } from "../bench_lab.ts";
import type { Client } from "../client.ts";
import type { Figures } from "../figures.ts";
import type { Options } from "../options.ts";
import type { ScenarioName } from "../scenario_names.ts";

export interface Turn {
  lab: BenchLab;
  client: Client;
  options: Options;
}

export interface Outcome {
  /** The first is the one that the scenario is about. */
  figures: Figures;
  /** The work that was done, for the CPU time that it cost. */
  gigabits?: number;
  requests?: number;
  /** What that cost the tunnel, where the sample did more than that. */
  cpuSeconds?: number;
}

export interface Scenario {
  name: ScenarioName;
  /** Whether it is measured without a tunnel as well. */
  controls: boolean;
  /**
   * `kept`: one process for all rounds, idle while the others are measured. `fresh`: a new one for each
   * round. `own`: the scenario starts it.
   */
  tunnel: "kept" | "fresh" | "own";
  /** Before the first round; what it gives is disposed after the last. */
  prepare?(lab: BenchLab): Promise<AsyncDisposable>;
  measure(turn: Turn): Promise<Outcome>;
}

/** Longer than its own seconds, and a program has lost its way. */
const SPARE_SECONDS = 30;

/** What a program that puts load on the tunnel for the length of a sample prints. */
export function load({ lab, options }: Turn, command: readonly string[]): Promise<string> {
  return lab.output(command, options.seconds + SPARE_SECONDS);
}

export function pause(seconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, seconds * 1000));
}
