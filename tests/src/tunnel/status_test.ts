import { assertEquals, assertStrictEquals } from "@std/assert";
import { defaultSettings } from "../../../src/config/settings.ts";
import { Engine } from "../../../src/engine/engine.ts";
import { figuresOf } from "../../../src/engine/figures.ts";
import { type StatusNow, tunnelStatus } from "../../../src/tunnel/status.ts";
import { sampleCapture } from "../control/fixtures.ts";
import { fakeTun } from "../../support/fake_tun.ts";

const device = { name: "ztun0", mtu: 1_500, offload: true };

/** The status of an engine that was made and changed by `change`, and never started. */
async function statusOf(
  change: (engine: Engine) => void,
  host = "127.0.0.1",
  now: StatusNow = { state: "ready", capture: undefined },
) {
  const settings = defaultSettings();
  settings.udp = "off";
  settings.limits.totalBytes = 1 << 20;
  settings.proxy = { host, port: 1080, user: undefined, password: undefined };
  const { device: tun, far } = fakeTun(true);
  const engine = new Engine(tun, settings);
  try {
    change(engine);
    const frame = {
      command: "exec",
      version: "1.2.3",
      startedAt: performance.now() - 61_000,
      grace: 1_500,
      device,
      proxy: settings.proxy,
      engine: "async",
      workers: 1,
    };
    return { engine, status: tunnelStatus(figuresOf(engine), frame, now) };
  } finally {
    await engine.close();
    tun.close();
    far.close();
  }
}

Deno.test("the frame is taken over, and the time since the start is in seconds", async () => {
  const { status } = await statusOf(() => {});
  assertEquals([status.command, status.version], ["exec", "1.2.3"]);
  assertEquals(status.uptimeSeconds, 61);
  assertEquals(status.device, device);
  assertEquals(status.graceSeconds, 1.5);
});

Deno.test("what is captured is told where there is something to tell", async () => {
  const { status: bare } = await statusOf(() => {});
  assertEquals([bare.state, "capture" in bare], ["ready", false]);
  const capture = sampleCapture();
  const { status } = await statusOf(() => {}, "127.0.0.1", { state: "unconfirmed", capture });
  assertEquals([status.state, status.capture], ["unconfirmed", capture]);
});

for (
  const [host, text] of [
    ["127.0.0.1", "127.0.0.1:1080"],
    ["2001:db8::1", "[2001:db8::1]:1080"],
    ["proxy.example", "proxy.example:1080"],
  ] as const
) {
  Deno.test(`the proxy is shown as it is written: ${text}`, async () => {
    assertEquals((await statusOf(() => {}, host)).status.proxy, text);
  });
}

Deno.test("every figure of DNS stands under its own name", async () => {
  const { status } = await statusOf(({ dns }) => {
    Object.assign(dns.transactions.figures, {
      queries: 1,
      answers: 2,
      timeouts: 3,
      refused: 4,
      retransmitted: 5,
      mismatched: 6,
      unexpected: 7,
      overflow: 8,
    });
    for (const milliseconds of [10, 30]) dns.transactions.figures.latency.add(milliseconds);
  });
  const { latency, ...counts } = status.dns;
  assertEquals(counts, {
    queries: 1,
    answers: 2,
    timeouts: 3,
    refused: 4,
    retransmitted: 5,
    mismatched: 6,
    unexpected: 7,
    overflow: 8,
  });
  assertEquals([latency.last, latency.mean, latency.min, latency.max], [30, 20, 10, 30]);
});

Deno.test("counters are the engine's own, and memory in use is a gauge", async () => {
  const { status, engine } = await statusOf(({ counters, arena }) => {
    counters.dropMalformed = 17;
    arena.takeSmall();
  });
  assertStrictEquals(status.counters, engine.counters);
  assertEquals(status.counters.dropMalformed, 17);
  assertEquals(status.gauges.bytesBuffered, 2_048);
  const { bytesBuffered: _, ...others } = status.gauges;
  assertEquals(new Set(Object.values(others)), new Set([0]));
});
