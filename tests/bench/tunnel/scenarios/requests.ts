/** Small requests: one at a time, fifty at a time, each on a connection of its own, and a mix of sizes. */

import { ECHO, HTTP_PORT, WEB } from "../addresses.ts";
import { parseResult, type Result } from "../load_result.ts";
import type { Latencies } from "../programs/latencies.ts";
import { parseWrk } from "../wrk_output.ts";
import { load, type Outcome, type Scenario, type Turn } from "./scenario.ts";

const CONNECTIONS = 50;

export const REQUESTS: readonly Scenario[] = [
  { name: "rr", controls: true, tunnel: "kept", measure: requestResponse },
  { name: "rr-50", controls: true, tunnel: "kept", measure: keepAlive },
  { name: "crr", controls: true, tunnel: "kept", measure: connectRequestResponse },
  { name: "short-mix", controls: true, tunnel: "kept", measure: shortMix },
];

async function requestResponse(turn: Turn): Promise<Outcome> {
  const { count, total, seconds, p50, p99 } = await latencies(turn, "rr.ts");
  return { figures: { p50, p99, requests: count / seconds }, requests: total };
}

async function connectRequestResponse(turn: Turn): Promise<Outcome> {
  const { count, total, seconds, p50, p99 } = await latencies(turn, "crr.ts");
  return { figures: { connections: count / seconds, p50, p99 }, requests: total };
}

async function latencies(turn: Turn, name: string): Promise<Result<keyof Latencies>> {
  const { client, options } = turn;
  return parseResult(await load(turn, client.program(name, ECHO, String(options.seconds))));
}

async function keepAlive(turn: Turn): Promise<Outcome> {
  const { client, options } = turn;
  const flags = ["-t1", `-c${CONNECTIONS}`, `-d${options.seconds}s`, "--latency"];
  const command = client.command("wrk", ...flags, `http://${WEB}:${HTTP_PORT}/small`);
  const result = parseWrk(await load(turn, command));
  const { requests, requestsPerSecond, p50, p99 } = result;
  return { figures: { requests: requestsPerSecond, p50, p99 }, requests };
}

async function shortMix(turn: Turn): Promise<Outcome> {
  const { client, options } = turn;
  const target = `${WEB}:${HTTP_PORT}`;
  const command = client.program("short_mix.ts", target, String(options.seconds));
  const result: Result<"flows" | "bytes" | "seconds"> = parseResult(await load(turn, command));
  const { flows, bytes, seconds } = result;
  const gigabits = bytes * 8 / 1e9;
  return {
    figures: { flows: flows / seconds, throughput: gigabits / seconds },
    gigabits,
    requests: flows,
  };
}
