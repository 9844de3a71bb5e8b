/**
 * `deno task bench:tunnel`: ztun beside no tunnel at all, beside the proxy without a tunnel, and beside
 * other tunnels, on this machine and in one run. Needs root: it makes its own network namespaces, and
 * removes them.
 *
 * With `--from` it measures nothing, and shows what earlier runs have stored.
 *
 * Prints a Markdown table on standard output, and its progress on standard error. Exit codes: 0 done,
 * 1 a sample failed (a peer's failures are results), 2 wrong usage, 3 too noisy for a verdict on some
 * scenario, 4 not possible here, 130 interrupted.
 */

import { formatted, withSection } from "../../../scripts/generated_text.ts";
import { ensureTunDevice } from "../../../scripts/tun_device.ts";
import { BenchLab } from "./bench_lab.ts";
import { describe, type FigureName, showFigure } from "./figures.ts";
import { machine } from "./machine.ts";
import { type Options, parseOptions, USAGE, UsageError } from "./options.ts";
import { picture } from "./picture.ts";
import { killDescendants } from "./processes.ts";
import { obstacle } from "./requirements.ts";
import { speedPicture, speedSection } from "./readme.ts";
import { combine, readResult, type Result, resultOfRun, writeResult } from "./result.ts";
import { runScenario } from "./runner.ts";
import type { Sample } from "./sample.ts";
import { scenario } from "./scenarios/scenarios.ts";
import { startServers } from "./servers.ts";
import { comparisons, summarize } from "./summary.ts";
import { remarks, table } from "./table.ts";
import { type Variant, variantsOf } from "./variants.ts";

const FAILED = 1;
const USAGE_ERROR = 2;
const NOISY = 3;
const NOT_POSSIBLE = 4;
const INTERRUPTED = 130;

const ROOT = new URL("../../../", import.meta.url);
/** From the README's place. */
const PICTURE = "docs/speed.svg";
const PICTURE_URL = new URL(PICTURE, ROOT);

const STOPPING = ["SIGINT", "SIGTERM"] as const;

async function main(args: readonly string[]): Promise<number> {
  // What programs complain of ends up in the table's remarks.
  Deno.env.set("NO_COLOR", "1");
  try {
    const options = parseOptions(args);
    if (!options.help) return await run(options);
    print(USAGE);
    return 0;
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    complain(`error: ${error.message}\n\n${USAGE}`);
    return USAGE_ERROR;
  }
}

async function run(options: Options): Promise<number> {
  if (options.from.length > 0) {
    return await conclude(options, combine(await Promise.all(options.from.map(readResult))));
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
  if (end === "stopped") return INTERRUPTED;
  return await conclude(options, resultOfRun(options, machine(), variants, samples));
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

async function conclude(options: Options, result: Result): Promise<number> {
  const { samples, variants } = result;
  const summaries = summarize(samples, variants);
  print(table(summaries, variants.map(({ name }) => name), comparisons(variants)));
  for (const line of remarks(summaries)) print(`${line}\n`);
  if (options.json !== undefined) await writeResult(options.json, result);
  if (options.svg !== undefined) await draw(options.svg, picture(summaries, variants));
  if (options.readme) await publish(result);
  // What a peer cannot do is a result.
  const peers = variants.filter(({ kind }) => kind === "peer").map(({ name }) => name);
  const failed = summaries.flatMap(({ failures }) => failures).some(({ variant }) =>
    !peers.includes(variant)
  );
  if (failed) return FAILED;
  return summaries.some(({ noise }) => noise.length > 0) ? NOISY : 0;
}

async function publish(result: Result): Promise<void> {
  const drawn = speedPicture(result);
  await Deno.mkdir(new URL(".", PICTURE_URL), { recursive: true });
  await draw(PICTURE_URL, drawn);
  const readme = new URL("README.md", ROOT);
  const section = speedSection(result, drawn && PICTURE);
  const text = withSection(await Deno.readTextFile(readme), "speed", section);
  await Deno.writeTextFile(readme, await formatted(text, "md"));
}

async function draw(path: string | URL, drawn: string | undefined): Promise<void> {
  if (drawn === undefined) complain(`${path} is not drawn: there is a verdict on no scenario\n`);
  else await Deno.writeTextFile(path, await formatted(drawn, "svg"));
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
