/** iperf3 over TCP: one stream or ten, up, down, or both ways at once. */

import { IPERF_PORT, WEB } from "../addresses.ts";
import type { BenchLab } from "../bench_lab.ts";
import { parseIperf } from "../iperf_output.ts";
import type { ScenarioName } from "../scenario_names.ts";
import { load, type Outcome, type Scenario, type Turn } from "./scenario.ts";

const GIGA = 1e9;

function stream(name: ScenarioName, ...flags: string[]): Scenario {
  return {
    name,
    controls: true,
    tunnel: "kept",
    measure: (turn) => measure(turn, flags),
  };
}

export const STREAMS: readonly Scenario[] = [
  stream("tcp-up-1"),
  stream("tcp-down-1", "-R"),
  stream("tcp-up-10", "-P", "10"),
  stream("tcp-down-10", "-P", "10", "-R"),
  stream("tcp-bidir", "--bidir"),
];

async function measure(turn: Turn, flags: string[]): Promise<Outcome> {
  const { lab, client, options } = turn;
  await using _server = await iperfServer(lab);
  const target = ["-c", WEB, "-p", String(IPERF_PORT), "-t", String(options.seconds), "-J"];
  const text = await load(turn, client.command("iperf3", ...target, ...flags));
  const { bits, bitsPerSecond, up, down } = parseIperf(text);
  return {
    figures: {
      throughput: bitsPerSecond / GIGA,
      ...up !== undefined && { up: up / GIGA },
      ...down !== undefined && { down: down / GIGA },
    },
    gigabits: bits / GIGA,
  };
}

/** A new one for each sample: what a test that failed left behind must not touch the next. */
async function iperfServer(lab: BenchLab): Promise<AsyncDisposable> {
  const flags = ["-s", "-B", WEB, "-p", String(IPERF_PORT), "--forceflush"];
  const server = lab.start("iperf3", lab.server.within(["iperf3", ...flags]));
  await server.logged(/Server listening/);
  return { [Symbol.asyncDispose]: () => server.kill() };
}
