/**
 * An engine on a thread of its own. With io_uring that thread sleeps in the kernel, where it runs no promise
 * and hears no message: whatever needs one of them has to wake it, and nothing here does that by chance.
 */

import { assert, assertEquals, assertRejects } from "@std/assert";
import { EngineRefused } from "../../../src/engine/worker_engine.ts";
import { eventually } from "../../support/eventually.ts";
import { connecting, type FakeClient, type Script } from "../../support/fake_socks5.ts";
import { type Adjust, withTunnel } from "../../support/fake_tunnel.ts";
import { relaying } from "../../support/fake_udp_relay.ts";
import { uringTest } from "../../support/needs_uring.ts";
import { withWorker, type WorkerOptions, type WorkerTunnel } from "../../support/worker_tunnel.ts";
import { answerTo, framed, queryOf } from "../dns/fixtures.ts";
import { get16 } from "../../../src/bytes.ts";

const FAR = "203.0.113.7";
const SERVER = "192.0.2.53";
const PATIENCE = 60_000;
const A_DAY = 24 * 3_600_000;

const echoing = connecting((client) => client.echo());

/** Both drivers can be on a thread of their own. */
function workerTest(
  name: string,
  options: WorkerOptions,
  body: (tunnel: WorkerTunnel) => Promise<void>,
): void {
  Deno.test(`${name} (async)`, () => withWorker({ ...options, driver: "async" }, body));
  uringTest(`${name} (uring)`, () => withWorker({ ...options, driver: "uring" }, body));
}

async function opened({ host }: WorkerTunnel) {
  const flow = host.connect(FAR, 80);
  assertEquals(await flow.opened(), "open");
  return flow;
}

workerTest("it starts although nothing comes from the device", { script: echoing }, async ({
  engine,
}) => {
  await engine.start();
  assertEquals((await engine.figures()).proxyUdp, "off");
});

workerTest("bytes go both ways, and are counted", { script: echoing }, async (tunnel) => {
  const { engine, host, figures } = tunnel;
  await engine.start();
  const flows = Array.from({ length: 8 }, (_, i) => {
    const flow = host.connect(i % 2 === 0 ? FAR : "2001:db8::7", 80 + i);
    flow.expectPattern(i);
    flow.sendPattern(i, 3_000_000);
    flow.finish();
    return flow;
  });
  for (const flow of flows) assertEquals(await flow.over(), "closed");
  for (const flow of flows) assertEquals([flow.bytesReceived, flow.wrongAt], [3_000_000, -1]);
  const { gauges, counters } = await figures("no flow is left", ({ gauges }) => {
    return gauges.tcpRelays === 0 && gauges.bytesBuffered === 0;
  });
  assertEquals([counters.proxyBytesUp, counters.proxyBytesDown], [24_000_000, 24_000_000]);
  assertEquals([gauges.tcpHalfOpen, counters.tcpResetByUs], [0, 0]);
});

workerTest("figures come while it sleeps, to everybody who asks", { script: echoing }, async ({
  engine,
}) => {
  await engine.start();
  for (let round = 0; round < 20; round++) await engine.figures();
  const all = await Promise.all(Array.from({ length: 50 }, () => engine.figures()));
  assertEquals(new Set(all.map(({ gauges }) => gauges.tcpFlows)), new Set([0]));
});

workerTest("after its end the last figures stand", { script: echoing }, async (tunnel) => {
  const { engine } = tunnel;
  await engine.start();
  const flow = await opened(tunnel);
  flow.send("hello");
  await flow.arrived(5);
  const asked = engine.figures();
  await engine.close();
  assertEquals((await asked).counters.proxyBytesUp, 5);
  const { gauges, counters } = await engine.figures();
  assertEquals([gauges.tcpRelays, counters.tcpOpened, counters.proxyBytesUp], [0, 1, 5]);
});

workerTest("stop: FIN to the live flows, which may end in their own time", {
  script: echoing,
}, async (tunnel) => {
  await tunnel.engine.start();
  const flow = await opened(tunnel);
  const stopped = tunnel.engine.stop(A_DAY);
  await flow.ended();
  assertEquals(await tunnel.host.connect(FAR, 80).opened(), "refused");
  flow.send("the rest");
  flow.finish();
  await stopped;
  assertEquals(await flow.over(), "closed");
  assertEquals((await tunnel.engine.figures()).counters.proxyBytesUp, "the rest".length);
});

workerTest("stop: after the grace time what is left is reset", { script: echoing }, async (
  tunnel,
) => {
  await tunnel.engine.start();
  const flow = await opened(tunnel);
  await tunnel.engine.stop(100);
  assertEquals([await flow.over(), flow.peerFinished], ["reset", true]);
  const [client] = tunnel.proxy.clients;
  assertEquals(await eventually("the proxy's side ends", () => client!.how), "reset");
});

workerTest("close while stop is waiting ends both at once", { script: echoing }, async (tunnel) => {
  await tunnel.engine.start();
  const flow = await opened(tunnel);
  const stopped = tunnel.engine.stop(A_DAY);
  await flow.ended();
  assertEquals((await tunnel.engine.figures()).gauges.tcpRelays, 1);
  await Promise.all([tunnel.engine.close(), stopped]);
  assertEquals(await flow.over(), "reset");
  await Promise.all([tunnel.engine.stop(A_DAY), tunnel.engine.close()]);
});

const silent: Script = async (client) => {
  await client.accept();
  await client.drain();
};

workerTest("close while flows wait for the proxy", { script: silent }, async ({
  engine,
  host,
  proxy,
}) => {
  await engine.start();
  const flows = Array.from({ length: 20 }, () => host.connect(FAR, 80));
  await eventually("the proxy is asked", () => proxy.clients.length === 20 || undefined);
  await engine.close();
  for (const flow of flows) assertEquals(await flow.over(), "refused");
});

workerTest("a limit in time is kept although nothing else happens", {
  script: silent,
  set: ({ timeouts }) => timeouts.proxyConnect = timeouts.proxyHandshake = 100,
}, async ({ engine, host, figures }) => {
  await engine.start();
  assertEquals(await host.connect(FAR, 80).opened(), "host-unreachable");
  await figures("nothing is left", ({ gauges }) => gauges.tcpRelays === 0);
});

workerTest("a proxy that is not there", { script: echoing }, async ({ engine, host, proxy }) => {
  await engine.start();
  await proxy.stopListening();
  assertEquals(await host.connect(FAR, 80).opened(), "network-unreachable");
  proxy.start();
  assertEquals(await host.connect(FAR, 80).opened(), "open");
});

workerTest("a proxy that is given by its name", {
  script: echoing,
  set: ({ proxy }) => proxy!.host = "localhost",
}, async (tunnel) => {
  await tunnel.engine.start();
  const flow = await opened(tunnel);
  flow.send("hello");
  await flow.arrived(5);
});

workerTest("a proxy whose name is none", {
  script: echoing,
  set: ({ proxy }) => proxy!.host = "proxy..lab",
}, async ({ engine, host }) => {
  await engine.start();
  assertEquals(await host.connect(FAR, 80).opened(), "network-unreachable");
});

const movable: WorkerOptions = {
  script: echoing,
  set: ({ proxy }) => proxy!.host = "proxy..lab",
  engine: { path: { addresses: ["127.0.0.1"], online: true, local: undefined } },
  proxyHost: "0.0.0.0",
};

workerTest("the proxy moves while the thread sleeps", movable, async (tunnel) => {
  const { engine, proxy } = tunnel;
  await engine.start();
  const flows = [await opened(tunnel)];
  await engine.follow({ addresses: ["127.0.0.2"], online: true, local: [] });
  flows.push(await opened(tunnel));
  const found = proxy.clients.map(({ connection }) => connection.localAddr.hostname);
  assertEquals(found, ["127.0.0.1", "127.0.0.2"]);
  for (const flow of flows) {
    flow.send("hello");
    await flow.arrived(5);
  }
});

workerTest("the way is lost and comes back", movable, async (tunnel) => {
  const { engine, host, proxy } = tunnel;
  await engine.start();
  await engine.follow({ addresses: ["127.0.0.1"], online: false, local: undefined });
  assertEquals(await host.connect(FAR, 80).opened(), "network-unreachable");
  assertEquals(proxy.clients.length, 0);
  await engine.follow({ addresses: ["127.0.0.1"], online: true, local: undefined });
  await opened(tunnel);
});

workerTest("the newest flow is shown, and after the end there is none", { script: echoing }, async (
  tunnel,
) => {
  const { engine } = tunnel;
  await engine.start();
  assertEquals(await engine.newestFlow(), undefined);
  await opened(tunnel);
  const flow = (await engine.newestFlow())!;
  assertEquals([flow.destination.address.join("."), flow.destination.port], [FAR, 80]);
  assertEquals(await engine.newestFlow(), undefined);
  await opened(tunnel);
  await engine.close();
  assertEquals(await engine.newestFlow(), undefined);
  await engine.follow({ addresses: [], online: true, local: undefined });
});

workerTest("that the proxy cannot be reached is told", { script: echoing }, async (tunnel) => {
  const { engine, host, proxy } = tunnel;
  await engine.start();
  const told = Promise.withResolvers<void>();
  engine.onProxyUnreachable = told.resolve;
  await proxy.stopListening();
  assertEquals(await host.connect(FAR, 80).opened(), "network-unreachable");
  await told.promise;
});

const udp = relaying();
const relayed: Adjust = (settings) => settings.udp = "auto";

workerTest("datagrams go through associations, which end when they idle", {
  script: udp.script,
  set: (settings) => {
    relayed(settings);
    settings.timeouts.udpIdle = settings.timeouts.udpExchange = 200;
  },
}, async ({ engine, host, figures }) => {
  await engine.start();
  assertEquals((await engine.figures()).proxyUdp, "relays");
  const ports = Array.from({ length: 20 }, (_, index) => 5_000 + index);
  await eventually("all come back", () => {
    // A mapping may idle away on a busy machine while its association is being made: it is sent again.
    const missing = ports.filter((port) => host.received(port).length === 0);
    for (const port of missing) host.sendUdp(port, FAR, 7, new Uint8Array(100).fill(port));
    return missing.length === 0 || undefined;
  }, PATIENCE);
  await figures("mappings are forgotten", ({ gauges }) => {
    return gauges.udpMappings === 0 && gauges.udpAssociations === 0;
  });
});

/** A proxy that relays no UDP, and plays a DNS server that talks TCP. */
const dnsOverTcp: Script = async (client: FakeClient) => {
  const { command } = await client.accept();
  if (command !== 1) return await client.reply(7);
  await client.reply(0);
  for (;;) {
    const query = await client.read(get16(await client.read(2), 0));
    await client.writeBytes(framed(answerTo(query)));
  }
};

workerTest("DNS over TCP: the next question goes over the connection that stands", {
  script: dnsOverTcp,
  set: relayed,
}, async ({ engine, host, proxy }) => {
  await engine.start();
  for (let question = 1; question <= 5; question++) {
    host.sendUdp(6_000 + question, SERVER, 53, queryOf(question, "name"));
    await eventually("it is answered", () => host.received(6_000 + question)[0], PATIENCE);
  }
  assertEquals(proxy.clients.length, 2, "one association that was refused, one connection");
});

uringTest("the device fails: the reason is said, and all can be ended", async () => {
  await withWorker({ script: echoing }, async (tunnel) => {
    const { engine, device } = tunnel;
    await engine.start();
    await opened(tunnel);
    device.fail();
    assertEquals(await engine.failed, "The TUN device failed: ENODEV");
    await engine.stop(A_DAY);
  });
});

uringTest("the device fails while stop is waiting: that is the end of it", async () => {
  await withWorker({ script: echoing }, async (tunnel) => {
    const { engine, device } = tunnel;
    await engine.start();
    const flow = await opened(tunnel);
    const stopped = engine.stop(A_DAY);
    await flow.ended();
    device.fail();
    await stopped;
    assertEquals(await engine.failed, "The TUN device failed: ENODEV");
  });
});

workerTest("an error that nobody caught is the reason of the end", {
  script: udp.script,
  set: (settings) => {
    relayed(settings);
    // Not iterable: the question whether the proxy relays UDP trips over it.
    settings.dns.servers = 1 as unknown as string[];
  },
}, async ({ engine }) => {
  await assertRejects(() => engine.start(), Error, "not iterable");
  assert((await engine.failed).includes("not iterable"));
  await assertRejects(() => engine.figures(), Error, "The engine has ended");
  await engine.stop(A_DAY);
});

workerTest("what cannot be made for want of memory is refused", {
  script: echoing,
  made: false,
  set: ({ limits }) => limits.totalBytes = 2 ** 47,
}, async ({ engine }) => {
  const refused = await assertRejects(() => engine.make(), EngineRefused);
  assertEquals(refused.message, "mmap failed: ENOMEM");
  await engine.close();
});

workerTest("what cannot be made for another reason is an error", {
  script: echoing,
  made: false,
  set: (settings) => settings.proxy = undefined,
}, async ({ engine }) => {
  const error = await assertRejects(() => engine.make(), Error, "No proxy is given");
  assert(!(error instanceof EngineRefused));
});

workerTest("its log is written here, in order, with nothing below the level", {
  script: udp.script,
  set: (settings) => {
    relayed(settings);
    settings.log.level = "info";
  },
}, async ({ engine, host, proxy, log }) => {
  await engine.start();
  await proxy.stop();
  assertEquals(await host.connect(FAR, 80).opened(), "network-unreachable");
  await eventually("two lines", () => log.length >= 2 || undefined);
  const texts = log.map((line) => line.replace(/^\S+ /, "").replaceAll(/:\d+/g, ":PORT").trim());
  assertEquals(texts[0], "info    engine: The proxy relays UDP");
  assert(/^(warning|error)\s+engine: .*127\.0\.0\.1:PORT/.test(texts[1]!), texts[1]);
});

workerTest("its lines are those that an engine on this thread writes", {
  script: echoing,
  set: ({ timeouts }) => timeouts.proxyConnect = 5_000,
}, async ({ engine, host, proxy, log }) => {
  await engine.start();
  await proxy.stopListening();
  await host.connect(FAR, 80).opened();
  const there = await eventually("a line", () => log[0]);
  await withTunnel({ script: echoing, listening: false }, async (tunnel) => {
    await tunnel.host.connect(FAR, 80).opened();
    assertEquals(nameless(there), nameless(await eventually("a line", () => tunnel.log[0])));
  });
});

/** Without time and port, which differ; and without the words of who failed to connect. */
function nameless(line: string): string {
  return line.replace(/^\S+ /, "").replaceAll(/:\d+/g, ":PORT").replace(/cannot connect.*/, "");
}
