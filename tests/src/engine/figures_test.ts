/** What an engine says of itself, and what several say together. */

import { assertEquals, assertThrows } from "@std/assert";
import { Counters } from "../../../src/counters.ts";
import { figuresOf, sumFigures } from "../../../src/engine/figures.ts";
import type { DnsStatus, EngineFigures } from "../../../src/figures.ts";
import { connecting } from "../../support/fake_socks5.ts";
import { withTunnel } from "../../support/fake_tunnel.ts";
import { sampleStatus } from "../control/fixtures.ts";

const LATENCY = { last: 1, mean: 2, min: 1, max: 3, p50: 2, p99: 3 };

function figures(tcpFlows: number, dns: Partial<DnsStatus> = {}): EngineFigures {
  const { proxyUdp, proxyPipelining, gauges, dns: sample } = sampleStatus();
  return {
    proxyUdp,
    proxyPipelining,
    gauges: { ...gauges, tcpFlows },
    counters: Object.assign(new Counters(), { tcpOpened: 10 * tcpFlows }),
    dns: { ...sample, ...dns },
  };
}

Deno.test("an engine's figures are plain values: on another thread and in JSON the same", async () => {
  await withTunnel({ script: connecting((client) => client.echo()) }, async ({ engine, host }) => {
    const flow = host.connect("203.0.113.7", 80);
    flow.send("hello");
    await flow.arrived(5);
    const own = figuresOf(engine);
    assertEquals([own.gauges.tcpFlows, own.gauges.tcpRelays, own.counters.tcpOpened], [1, 1, 1]);
    assertEquals([own.counters.proxyBytesUp, own.counters.proxyBytesDown], [5, 5]);
    assertEquals(own.proxyUdp, "off");
    assertEquals({ ...structuredClone(own).counters }, { ...own.counters });
    assertEquals(JSON.parse(JSON.stringify(own)), JSON.parse(JSON.stringify(structuredClone(own))));
  });
});

Deno.test("of one engine the sum is its own", () => {
  const one = figures(3);
  const { counters, ...rest } = sumFigures([one]);
  assertEquals({ ...rest, counters: { ...counters } }, { ...one, counters: { ...one.counters } });
});

Deno.test("of several, counters and gauges are added", () => {
  const { gauges, counters } = sumFigures([figures(3), figures(4), figures(0)]);
  assertEquals([gauges.tcpFlows, counters.tcpOpened], [7, 70]);
});

Deno.test("counts of DNS are added; of latencies the extremes are exact, the rest the busiest's", () => {
  const { dns } = sumFigures([
    figures(0, { queries: 5, answers: 4, latency: { ...LATENCY, min: 2, max: 50, p50: 7 } }),
    figures(0, { queries: 9, answers: 8, latency: { ...LATENCY, min: 3, max: 40, p50: 9 } }),
    // Nobody has answered: its zeros are no latency.
    figures(0, { queries: 1, answers: 0, latency: { ...LATENCY, min: 0, max: 0, p50: 0 } }),
  ]);
  assertEquals([dns.queries, dns.answers], [15, 12]);
  assertEquals([dns.latency.min, dns.latency.max, dns.latency.p50], [2, 50, 9]);
});

Deno.test("where nobody has answered there are no latencies to mix", () => {
  const silent = { answers: 0, latency: { ...LATENCY, min: 0 } };
  assertEquals(sumFigures([figures(0, silent), figures(0, silent)]).dns.latency.min, 0);
});

Deno.test("no engine has no figures", () => {
  assertThrows(() => sumFigures([]), RangeError);
});
