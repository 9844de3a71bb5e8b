/**
 * Goodput by loss, round-trip time and congestion control, in virtual time: the same on every machine, so
 * that a change in congestion control or loss recovery is a difference in a file. When it is meant:
 *
 *     UPDATE=1 deno test -A tests/netsim/throughput_test.ts
 */

import { assertEquals } from "@std/assert";
import type { CongestionKind } from "../../src/stack/tcp/congestion.ts";
import { PLAIN_SCRIPT } from "./endpoint.ts";
import { type PathOptions, PERFECT } from "./path.ts";
import { Random } from "./random.ts";
import { Simulation, TCP_OPTIONS } from "./simulation.ts";

const SNAPSHOT = new URL("throughput.snapshot.txt", import.meta.url);
const LOSSES = [0, 0.01, 0.03, 0.1];
const ROUND_TRIPS = [1, 20, 100];
const KINDS: readonly CongestionKind[] = ["cubic", "newreno"];
const DURATION = 10_000;
/** 20 Mbit/s, in bytes per millisecond, and about half of what is in flight at 100 ms. */
const BANDWIDTH = 2_500;
const QUEUE = 128_000;

/** Mbit/s that one flow brings across, both ends plain or both with offload. */
function goodput(kind: CongestionKind, roundTrip: number, loss: number, vnet: boolean): number {
  const host = {
    vnet,
    largeSlots: 128,
    smallSlots: 2_048,
    tcp: { ...TCP_OPTIONS, congestion: kind, flowBytes: 1 << 20 },
  };
  const path: PathOptions = {
    ...PERFECT,
    delay: roundTrip / 2,
    loss,
    bandwidth: BANDWIDTH,
    queue: QUEUE,
  };
  const simulation = new Simulation(new Random(1), {
    client: host,
    server: host,
    up: path,
    down: { ...path, loss: 0 },
    ipv6: false,
    whole: false,
  });
  simulation.serve();
  const flow = simulation.open({ ...PLAIN_SCRIPT, send: 1 << 30 }, { ...PLAIN_SCRIPT, send: 0 });
  simulation.run(DURATION);
  const bytes = flow.servers[0]?.bytesReceived ?? 0;
  simulation.client.act(() => {
    simulation.client.stack.connections.forEach((connection) => connection.abort());
  });
  simulation.run();
  return bytes * 8 / 1_000 / DURATION;
}

function table(): string {
  const lines = ["Goodput in Mbit/s over a link of 20 Mbit/s: by loss, round trip and link", ""];
  for (const kind of KINDS) {
    for (const vnet of [false, true]) {
      lines.push(`${kind}, ${vnet ? "offloaded" : "plain"}`);
      lines.push("  loss  " + ROUND_TRIPS.map((ms) => `${ms} ms`.padStart(9)).join(""));
      for (const loss of LOSSES) {
        const cells = ROUND_TRIPS.map((ms) => goodput(kind, ms, loss, vnet).toFixed(3).padStart(9));
        lines.push(`${loss * 100} %`.padStart(6) + "  " + cells.join(""));
      }
      lines.push("");
    }
  }
  return lines.join("\n");
}

Deno.test("netsim: throughput by loss and round trip is what it was", () => {
  const seen = table();
  if (Deno.env.get("UPDATE") === "1") Deno.writeTextFileSync(SNAPSHOT, seen);
  assertEquals(seen, Deno.readTextFileSync(SNAPSHOT));
});
