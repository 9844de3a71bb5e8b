import { assertEquals, assertStrictEquals } from "@std/assert";
import { defaultSettings } from "../../../src/config/settings.ts";
import { Counters } from "../../../src/counters.ts";
import { EngineGroup, shareOf } from "../../../src/engine/engine_group.ts";
import type { EngineHandle } from "../../../src/engine/engine_handle.ts";
import { sampleStatus } from "../control/fixtures.ts";

/** An engine that keeps what it was told, and answers when the test wants it to. */
class FakeEngine implements EngineHandle {
  readonly name = "async";
  readonly told: string[] = [];
  readonly failing = Promise.withResolvers<string>();
  readonly failed = this.failing.promise;
  readonly answering = Promise.withResolvers<void>();
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
    group.stop(7).then(() => done.push("stopped")),
    group.close().then(() => done.push("closed")),
  ];
  for (const { told } of engines) assertEquals(told, ["start", "stop 7", "close"]);
  for (const { answering } of engines.slice(1)) answering.resolve();
  await Promise.resolve();
  assertEquals(done, []);
  engines[0]!.answering.resolve();
  await Promise.all(asked);
  assertEquals(done.sort(), ["closed", "started", "stopped"]);
});

Deno.test("figures are those of all together", async () => {
  const group = new EngineGroup([new FakeEngine(3), new FakeEngine(4)]);
  const { gauges, counters } = await group.figures();
  assertEquals([gauges.tcpFlows, counters.tcpOpened], [7, 10]);
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
