/**
 * `deno task bench:tunnel`: ztun beside no tunnel at all, beside the proxy without a tunnel, and beside
 * other tunnels, on this machine and in one run. Needs root: it makes its own network namespaces, and
 * removes them.
 *
 * Prints a Markdown table on standard output, and its progress on standard error. Exit codes: 0 done,
 * 1 a sample failed (a peer's failures are results), 2 wrong usage, 3 too noisy for a verdict on some
 * scenario, 4 not possible here, 130 interrupted.
 */

import { ensureTunDevice } from "../../../scripts/tun_device.ts";
import { BenchLab } from "./bench_lab.ts";
import { describe, type FigureName, showFigure } from "./figures.ts";
import { machine } from "./machine.ts";
import { type Options, parseOptions, USAGE, UsageError } from "./options.ts";
import { picture } from "./picture.ts";
import { killDescendants } from "./processes.ts";
import { obstacle } from "./requirements.ts";
import { runScenario } from "./runner.ts";
import type { Sample } from "./sample.ts";
import { scenario } from "./scenarios/scenarios.ts";
import { startServers } from "./servers.ts";
import { comparisons, type ScenarioSummary, summarize } from "./summary.ts";
import { remarks, table } from "./table.ts";
import { type Variant, variantsOf } from "./variants.ts";

const FAILED = 1;
const USAGE_ERROR = 2;
const NOISY = 3;
const NOT_POSSIBLE = 4;
const INTERRUPTED = 130;

const STOPPING = ["SIGINT", "SIGTERM"] as const;

async function main(args: readonly string[]): Promise<number> {
  // What programs complain of ends up in the table's remarks.
  Deno.env.set("NO_COLOR", "1");
  let options: Options;
  try {
    options = parseOptions(args);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    complain(`error: ${error.message}\n\n${USAGE}`);
    return USAGE_ERROR;
  }
  if (options.help) {
    print(USAGE);
    return 0;
  }
  const obstructed = obstacle();
  if (obstructed !== undefined) {
    complain(`error: the bench cannot run: ${obstructed.message}\nhint: ${obstructed.hint}\n`);
    return NOT_POSSIBLE;
  }
  await ensureTunDevice();
  return await bench(options);
}

async function bench(options: Options): Promise<number> {
  const variants = variantsOf(options);
  const samples: Sample[] = [];
  const stop = Promise.withResolvers<"stopped">();
  for (const name of STOPPING) Deno.addSignalListener(name, () => stop.resolve("stopped"));
  const end = await withLab(variants, options, async (lab) => {
    return await Promise.race([measureAll(lab, options, samples), stop.promise]);
  });
  return end === "stopped" ? INTERRUPTED : await conclude(options, variants, samples);
}

/** What is under way when the lab goes fails, and nobody asks. */
async function withLab<T>(
  variants: readonly Variant[],
  options: Options,
  work: (lab: BenchLab) => Promise<T>,
): Promise<T> {
  try {
    await using lab = await BenchLab.create(variants, options);
    if (options.keep) complain(`configurations and logs will be in ${lab.directory}\n`);
    return await work(lab);
  } finally {
    // A program that was about to enter a namespace when that went.
    killDescendants();
  }
}

async function measureAll(lab: BenchLab, options: Options, samples: Sample[]): Promise<void> {
  await lab.build();
  await startServers(lab);
  await lab.startProxy();
  for (const name of options.scenarios) {
    samples.push(...await runScenario(lab, scenario(name), options, progress));
  }
}

function progress({ scenario, round, variant, figures, failure }: Sample): void {
  const [first] = Object.entries(figures) as [FigureName, number][];
  const result = first === undefined
    ? `failed: ${failure}`
    : `${describe(first[0])} ${showFigure(first[1])}`;
  complain(`${scenario} ${round + 1} ${variant}: ${result}\n`);
}

async function conclude(
  options: Options,
  variants: readonly Variant[],
  samples: readonly Sample[],
): Promise<number> {
  const summaries = summarize(samples, variants);
  print(table(summaries, variants.map(({ name }) => name), comparisons(variants)));
  for (const line of remarks(summaries)) print(`${line}\n`);
  if (options.json !== undefined) {
    const all = { date: new Date().toISOString(), machine: machine(), options, summaries, samples };
    await Deno.writeTextFile(options.json, `${JSON.stringify(all, null, 2)}\n`);
  }
  if (options.svg !== undefined) await draw(options.svg, summaries, variants);
  // What a peer cannot do is a result.
  const peers = variants.filter(({ kind }) => kind === "peer").map(({ name }) => name);
  const failed = summaries.flatMap(({ failures }) => failures).some(({ variant }) =>
    !peers.includes(variant)
  );
  if (failed) return FAILED;
  return summaries.some(({ noise }) => noise.length > 0) ? NOISY : 0;
}

async function draw(
  path: string,
  summaries: readonly ScenarioSummary[],
  variants: readonly Variant[],
): Promise<void> {
  const drawn = picture(summaries, variants);
  if (drawn === undefined) complain(`${path} is not drawn: there is a verdict on no scenario\n`);
  else await Deno.writeTextFile(path, drawn);
}

function print(text: string): void {
  write(Deno.stdout, text);
}

function complain(text: string): void {
  write(Deno.stderr, text);
}

function write(to: { writeSync(bytes: Uint8Array): number }, text: string): void {
  const bytes = new TextEncoder().encode(text);
  for (let at = 0; at < bytes.length;) at += to.writeSync(bytes.subarray(at));
}

// What an interrupted run had under way must not keep it from ending.
if (import.meta.main) Deno.exit(await main(Deno.args));
