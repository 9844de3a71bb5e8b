/** What a run has measured, as it is kept in a file. It names no path and no command of the machine. */

import type { Machine } from "./machine.ts";
import { type Options, UsageError } from "./options.ts";
import type { Sample } from "./sample.ts";
import { summarize } from "./summary.ts";
import { about, type Contestant, type Variant } from "./variants.ts";

export interface Result {
  date: string;
  machine: Machine;
  rounds: number;
  /** The length of a sample. */
  seconds: number;
  variants: readonly Described[];
  samples: readonly Sample[];
}

export interface Described extends Contestant {
  about: string;
}

export function resultOfRun(
  options: Options,
  machine: Machine,
  variants: readonly Variant[],
  samples: readonly Sample[],
): Result {
  return {
    date: new Date().toISOString(),
    machine,
    rounds: options.rounds,
    seconds: options.seconds,
    variants: variants.map((variant) => ({
      kind: variant.kind,
      name: variant.name,
      about: about(variant, options.server?.name),
    })),
    samples,
  };
}

/** With the summaries, for those who read it elsewhere. */
export async function writeResult(path: string, result: Result): Promise<void> {
  const all = { ...result, summaries: summarize(result.samples, result.variants) };
  await Deno.writeTextFile(path, `${JSON.stringify(all, null, 2)}\n`);
}

export async function readResult(path: string): Promise<Result> {
  try {
    const stored = JSON.parse(await Deno.readTextFile(path)) as Result;
    const { date, machine, rounds, seconds, variants, samples } = stored;
    return { date, machine, rounds, seconds, variants, samples };
  } catch (error) {
    throw new UsageError(`Cannot read ${path}: ${(error as Error).message}`);
  }
}

/**
 * Runs of the same on the same machine as one: of a scenario that several have, the last. A ratio is one
 * of medians of the same scenario, and so of one run.
 */
export function combine(results: readonly Result[]): Result {
  const last = results.at(-1)!;
  if (results.some((other) => conditions(other) !== conditions(last))) {
    throw new UsageError("The files of --from differ in machine, variants, rounds or seconds");
  }
  const samples = results.reduce<readonly Sample[]>((before, { samples }) => {
    const renewed = new Set(samples.map(({ scenario }) => scenario));
    return [...before.filter(({ scenario }) => !renewed.has(scenario)), ...samples];
  }, []);
  return { ...last, samples };
}

function conditions({ machine, rounds, seconds, variants }: Result): string {
  return JSON.stringify([machine, rounds, seconds, variants]);
}
