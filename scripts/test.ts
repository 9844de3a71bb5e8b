/**
 * `deno task test`: unit tests, the engine's once for each driver, then end-to-end tests with what they need
 * installed, and the core of them once more with the other engine. The last line is `N passed, N failed`,
 * with `, N skipped` when there were such.
 *
 *     deno task test [--only unit|e2e] [--filter TEXT]
 */

import { probeUring } from "../ffi/uring_probe_linux.ts";
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
const ENGINE = ["tests/src/engine"];
/** What passes through a flow's socket. */
const FLOWS = ["tests/src/engine/tcp_relay_test.ts"];
const E2E = ["tests/e2e"];
/** What engines could do differently. */
const CORE = ["transfer", "half_close", "udp", "refusal", "stop"].map((name) =>
  `tests/e2e/${name}_test.ts`
);
const PARALLEL = ["--parallel"];

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
  if (options.only !== "e2e") {
    tallies.push(await runSuite("unit", UNIT, PARALLEL, options));
    tallies.push(await runOnOtherDrivers(options));
  }
  if (options.only !== "unit") tallies.push(await runEndToEnd(options));
  const total = tallies.reduce(sum, NOTHING);
  print(tallyText(total));
  return total.failed > 0 || total.passed === 0 ? 1 : 0;
}

/** The engine's tests on the drivers that they do not take by themselves. */
async function runOnOtherDrivers(options: Options): Promise<Tally> {
  const deno = { ZTUN_TEST_DRIVER: "deno" };
  const name = "engine tests without descriptors";
  const tally = await runSuite(name, FLOWS, PARALLEL, options, deno);
  const missing = Deno.build.os === "linux" ? probeUring() : "it is Linux's";
  if (missing === undefined) {
    const uring = { ZTUN_TEST_DRIVER: "uring" };
    return sum(tally, await runSuite("engine tests on io_uring", ENGINE, PARALLEL, options, uring));
  }
  print(`\nnot run: engine tests on io_uring (${missing})`);
  return tally;
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
  const tally = await runSuite("end-to-end", E2E, [], options);
  const { ZTUN_ENGINE: asked } = Deno.env.toObject();
  // Then all of it has run on that one, or on the only one there is.
  if (asked === "async" || probeUring() !== undefined) return tally;
  const engine = { ZTUN_ENGINE: "async" };
  return sum(tally, await runSuite("end-to-end on the async engine", CORE, [], options, engine));
}

/** Types are the business of `deno task check`; here they would be checked a second time. */
async function runSuite(
  name: string,
  folders: string[],
  flags: string[],
  options: Options,
  variables: Record<string, string> = {},
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
    env: { NO_COLOR: "1", ...variables },
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
