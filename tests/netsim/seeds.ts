/**
 * One scenario under many seeds. `SEEDS=1000` runs that many of each, `SEED=123` that one alone; a
 * failure names the command that repeats it.
 */

import { Random } from "./random.ts";

/** Runs `scenario` with `count` seeds unless the environment says otherwise. */
export function simulate(
  name: string,
  count: number,
  scenario: (random: Random, seed: number) => void,
): void {
  Deno.test(`netsim: ${name}`, () => {
    for (const seed of seeds(count)) runOne(name, seed, scenario);
  });
}

function seeds(count: number): number[] {
  const only = Deno.env.get("SEED");
  if (only !== undefined) return [Number(only)];
  const wanted = Number(Deno.env.get("SEEDS") ?? count);
  return Array.from({ length: wanted }, (_, index) => index + 1);
}

function runOne(
  name: string,
  seed: number,
  scenario: (random: Random, seed: number) => void,
): void {
  try {
    scenario(new Random(seed), seed);
  } catch (cause) {
    const message = cause instanceof Error ? cause.message : String(cause);
    const command = `SEED=${seed} deno test -A tests/netsim --filter "netsim: ${name}"`;
    throw new Error(`${message}\nRepeat with: ${command}`, { cause });
  }
}
