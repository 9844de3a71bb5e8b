/**
 * `deno task test`: unit tests, then end-to-end tests with what they need installed. The last line is
 * `N passed, N failed`, with `, N skipped` when there were such.
 *
 *     deno task test [--only unit|e2e] [--filter TEXT]
 */

import { ensurePackages } from "./packages.ts";
import { print, readSources } from "./source_text.ts";
import { NOTHING, sum, summaryIn, type Tally, tallyText } from "./test_summary.ts";
import { ensureTunDevice } from "./tun_device.ts";

const UNIT = [
  "tests/src",
  "tests/ffi",
  "tests/netsim",
  "tests/scripts",
  "tests/fuzz",
  "tests/bench",
];
const E2E = ["tests/e2e"];

interface Options {
  only: "unit" | "e2e" | undefined;
  filter: string | undefined;
}

function parse(args: readonly string[]): Options | undefined {
  const options: Options = { only: undefined, filter: undefined };
  for (let at = 0; at < args.length; at += 2) {
    const value = args[at + 1];
    if (args[at] === "--only" && (value === "unit" || value === "e2e")) options.only = value;
    else if (args[at] === "--filter" && value !== undefined) options.filter = value;
    else return undefined;
  }
  return options;
}

async function main(args: readonly string[]): Promise<number> {
  const options = parse(args);
  if (options === undefined) {
    print("usage: deno task test [--only unit|e2e] [--filter TEXT]");
    return 2;
  }
  const tallies: Tally[] = [];
  if (options.only !== "e2e") tallies.push(await runSuite("unit", UNIT, ["--parallel"], options));
  if (options.only !== "unit") tallies.push(await runEndToEnd(options));
  const total = tallies.reduce(sum, NOTHING);
  print(tallyText(total));
  return total.failed > 0 || total.passed === 0 ? 1 : 0;
}

async function runEndToEnd(options: Options): Promise<Tally> {
  if (Deno.build.os !== "linux" || Deno.uid() !== 0) {
    print("end-to-end tests are skipped: they make network namespaces, which needs root on Linux");
    print("to run them: sudo npx -y deno@2.9.6 task test --only e2e");
    return await runSuite("end-to-end", E2E, [], options);
  }
  try {
    await ensurePackages();
    await ensureTunDevice();
  } catch (error) {
    print(`error: ${error instanceof Error ? error.message : error}`);
    return { passed: 0, failed: 1, skipped: 0 };
  }
  return await runSuite("end-to-end", E2E, [], options);
}

/** Types are the business of `deno task check`; here they would be checked a second time. */
async function runSuite(
  name: string,
  folders: string[],
  flags: string[],
  options: Options,
): Promise<Tally> {
  const withTests = folders.filter((folder) =>
    readSources(".", [folder]).some(({ path }) => path.endsWith("_test.ts"))
  );
  if (withTests.length === 0) {
    print(`error: there are no ${name} tests in ${folders.join(", ")}`);
    return { passed: 0, failed: 1, skipped: 0 };
  }
  print(`\n== ${name} tests ==`);
  const filter = options.filter === undefined ? [] : ["--filter", options.filter];
  const child = new Deno.Command(Deno.execPath(), {
    args: ["test", "-A", "--no-check", ...flags, ...filter, ...withTests],
    // Colours would stand in the middle of the summary that is read back.
    env: { NO_COLOR: "1" },
    stdin: "null",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const output = await echoed(child.stdout);
  const { code } = await child.status;
  return summaryIn(output, code);
}

/** Passes the stream on as it comes, and gives its end back. */
async function echoed(stream: ReadableStream<Uint8Array>): Promise<string> {
  const decoder = new TextDecoder();
  let tail = "";
  for await (const chunk of stream) {
    for (let at = 0; at < chunk.length;) at += Deno.stdout.writeSync(chunk.subarray(at));
    tail = (tail + decoder.decode(chunk, { stream: true })).slice(-4096);
  }
  return tail;
}

if (import.meta.main) Deno.exitCode = await main(Deno.args);
