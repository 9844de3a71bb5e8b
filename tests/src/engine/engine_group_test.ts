import { assertEquals, assertStrictEquals } from "@std/assert";
import { defaultSettings } from "../../../src/config/settings.ts";
import { Counters } from "../../../src/counters.ts";
import { EngineGroup, shareOf } from "../../../src/engine/engine_group.ts";
import type { EngineHandle } from "../../../src/engine/engine_handle.ts";
import { type FlowSample, flowSample } from "../../../src/engine/flow_sample.ts";
import type { ProxyPath } from "../../../src/engine/proxy_path.ts";
import { sampleStatus } from "../control/fixtures.ts";

/** An engine that keeps what it was told, and answers when the test wants it to. */
class FakeEngine implements EngineHandle {
  readonly name = "async";
  readonly told: string[] = [];
  readonly failing = Promise.withResolvers<string>();
  readonly failed = this.failing.promise;
  readonly answering = Promise.withResolvers<void>();
  readonly flowSamples: FlowSample[] = [];
  onProxyUnreachable: (() => void) | undefined = undefined;
  readonly #flows: number;

  constructor(flows = 0) {
    this.#flows = flows;
  }

  start(): Promise<void> {
    return this.#tell("start");
  }

  figures() {
    const status = sampleStatus({ counters: Object.assign(new Counters(), { tcpOpened: 5 }) });
    return Promise.resolve({ ...status, gauges: { ...status.gauges, tcpFlows: this.#flows } });
  }

  newestFlow() {
    return Promise.resolve(this.flowSamples.shift());
  }

  follow({ addresses }: ProxyPath): Promise<void> {
    return this.#tell(`follow ${addresses}`);
  }

  stop(grace: number): Promise<void> {
    return this.#tell(`stop ${grace}`);
  }

  close(): Promise<void> {
    return this.#tell("close");
  }

  #tell(what: string): Promise<void> {
    this.told.push(what);
    return this.answering.promise;
  }
}

Deno.test("every engine hears everything, and the group waits for the last", async () => {
  const engines = [new FakeEngine(), new FakeEngine(), new FakeEngine()];
  const group = new EngineGroup(engines);
  const done: string[] = [];
  const asked = [
    group.start().then(() => done.push("started")),
    group.follow({ addresses: ["::1"], online: true, local: undefined }).then(() => {
      done.push("followed");
    }),
    group.stop(7).then(() => done.push("stopped")),
    group.close().then(() => done.push("closed")),
  ];
  for (const { told } of engines) assertEquals(told, ["start", "follow ::1", "stop 7", "close"]);
  for (const { answering } of engines.slice(1)) answering.resolve();
  await Promise.resolve();
  assertEquals(done, []);
  engines[0]!.answering.resolve();
  await Promise.all(asked);
  assertEquals(done.sort(), ["closed", "followed", "started", "stopped"]);
});

Deno.test("figures are those of all together", async () => {
  const group = new EngineGroup([new FakeEngine(3), new FakeEngine(4)]);
  const { gauges, counters } = await group.figures();
  assertEquals([gauges.tcpFlows, counters.tcpOpened], [7, 10]);
});

function flowFrom(remotePort: number): FlowSample {
  const address = new Uint8Array(4);
  return flowSample({ localAddress: address, localPort: 80, remoteAddress: address, remotePort });
}

Deno.test("each engine has its turn to show a flow, and one that has none is passed over", async () => {
  const engines = [new FakeEngine(), new FakeEngine(), new FakeEngine()];
  const group = new EngineGroup(engines);
  engines[0]!.flowSamples.push(...[10, 11, 12].map(flowFrom));
  engines[2]!.flowSamples.push(...[30, 31].map(flowFrom));
  const shown: (number | undefined)[] = [];
  for (let i = 0; i < 6; i++) shown.push((await group.newestFlow())?.source.port);
  assertEquals(shown, [10, 30, 11, 31, 12, undefined]);
});

Deno.test("what all engines notice at the same time is told once", () => {
  const engines = [new FakeEngine(), new FakeEngine(), new FakeEngine()];
  let now = 0;
  const group = new EngineGroup(engines, () => now);
  const tellings: number[] = [];
  group.onProxyUnreachable = () => tellings.push(now);
  for (now of [10, 50, 109, 110]) {
    for (const engine of engines) engine.onProxyUnreachable?.();
  }
  assertEquals(tellings, [10, 110]);
});

Deno.test("the first that fails tells why the group has", async () => {
  const engines = [new FakeEngine(), new FakeEngine()];
  const group = new EngineGroup(engines);
  engines[1]!.failing.resolve("its device is gone");
  assertEquals(await group.failed, "its device is gone");
  assertEquals(group.name, "async");
});

Deno.test("limits of the tunnel are divided, limits of one flow are not", () => {
  const settings = defaultSettings();
  const { limits, ...others } = shareOf(settings, 4);
  assertEquals(limits, {
    tcpFlows: 16_384,
    halfOpen: 1_024,
    udpMappings: 4_096,
    flowBytes: 1 << 20,
    totalBytes: 64 << 20,
    reassemblyPackets: 64,
    reassemblyBytes: 1 << 20,
    waitingPackets: 64,
    udpAssociations: 256,
  });
  assertStrictEquals(others.timeouts, settings.timeouts);
  assertEquals(shareOf(settings, 1), settings);
});

Deno.test("a share is never nothing, unless the limit is", () => {
  const settings = defaultSettings();
  settings.limits.tcpFlows = 3;
  settings.limits.reassemblyPackets = 2;
  settings.limits.reassemblyBytes = 64 << 10;
  const { limits } = shareOf(settings, 64);
  assertEquals([limits.tcpFlows, limits.reassemblyPackets], [1, 1]);
  assertEquals(limits.reassemblyBytes, 64 << 10);
  settings.limits.reassemblyPackets = 0;
  assertEquals(shareOf(settings, 64).limits.reassemblyPackets, 0);
});
