/**
 * `deno task bench`: all microbenches, several times over, against the stored baseline.
 *
 *     deno task bench              the table
 *     deno task bench --check      status 1 when something is slower, 3 when it was too noisy to say
 *     deno task bench --update     rewrites the baseline; status 3 when it was too noisy for all of it
 *
 * A round is one run of `deno bench` over all files: a new process, so that a decision of the compiler
 * that went one way by chance counts once, and a disturbance of a few seconds hits one round of each bench
 * instead of all rounds of one.
 */

import { print } from "../../scripts/source_text.ts";
import { type Baseline, compare, type Comparison, missing, summarize, updated } from "./compare.ts";
import { type Reading, readRound } from "./round.ts";
import { table, tally } from "./table.ts";

const ROUNDS = 5;
const FOLDER = import.meta.dirname!;
const BASELINE = `${FOLDER}/baseline.json`;

async function main(args: readonly string[]): Promise<number> {
  const [mode, ...rest] = args;
  if (rest.length > 0 || ![undefined, "--check", "--update"].includes(mode)) {
    print("usage: deno task bench [--check | --update]");
    return 2;
  }
  const figures = summarize(await runRounds());
  const baseline = readBaseline();
  const comparisons = compare(figures, baseline);
  for (const line of table(comparisons)) print(line);
  for (const name of missing(figures, baseline)) print(`not there any more: ${name}`);
  print(tally(comparisons));
  if (mode === "--update") writeBaseline(updated(figures, baseline));
  return mode === undefined ? 0 : status(comparisons, mode === "--check");
}

function status(comparisons: readonly Comparison[], slowerCounts: boolean): number {
  if (slowerCounts && comparisons.some(({ verdict }) => verdict === "slower")) return 1;
  return comparisons.some(({ verdict }) => verdict === "too noisy") ? 3 : 0;
}

async function runRounds(): Promise<Reading[][]> {
  const files = [...Deno.readDirSync(FOLDER)].map(({ name }) => name)
    .filter((name) => name.endsWith("_bench.ts")).sort();
  const rounds: Reading[][] = [];
  while (rounds.length < ROUNDS) {
    print(`round ${rounds.length + 1} of ${ROUNDS}`);
    rounds.push(await runRound(files.map((name) => `${FOLDER}/${name}`)));
  }
  return rounds;
}

async function runRound(files: readonly string[]): Promise<Reading[]> {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["bench", "-A", "--no-check", "--json", ...files],
    stdin: "null",
  }).output();
  const decoder = new TextDecoder();
  if (code !== 0) {
    throw new Error(`deno bench ended with status ${code}: ${decoder.decode(stderr)}`);
  }
  return readRound(JSON.parse(decoder.decode(stdout)));
}

function readBaseline(): Baseline {
  try {
    return JSON.parse(Deno.readTextFileSync(BASELINE));
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return {};
    throw error;
  }
}

function writeBaseline(baseline: Baseline): void {
  Deno.writeTextFileSync(BASELINE, `${JSON.stringify(baseline, null, 2)}\n`);
}

Deno.exitCode = await main(Deno.args);
