/** The proxy moves, this host moves, the way is lost: what becomes of flows, datagrams and queries. */

import { assert, assertEquals } from "@std/assert";
import type { ConnectListener, ProxySocket } from "../../../src/engine/driver.ts";
import type { Engine } from "../../../src/engine/engine.ts";
import type { ProxyPath } from "../../../src/engine/proxy_path.ts";
import { eventually } from "../../support/eventually.ts";
import { connecting, type FakeClient } from "../../support/fake_socks5.ts";
import type { LocalFlow } from "../../support/fake_local_flow.ts";
import {
  type Adjust,
  type FakeTunnel,
  quiet,
  seenAsReset,
  type TunnelOptions,
  withTunnel,
} from "../../support/fake_tunnel.ts";
import { relaying, type UdpScript } from "../../support/fake_udp_relay.ts";
import { answerTo, framed, queryOf } from "../dns/fixtures.ts";
import { get16 } from "../../../src/bytes.ts";

const FAR = "203.0.113.7";
const SERVER = "192.0.2.53";
const PATIENCE = 60_000;
/** Where this host is, as far as the engine knows: on loopback nothing is ever gone. */
const HERE = "198.51.100.1";
const THERE = "198.51.100.2";

const echoing = connecting((client) => client.echo());
const auto: Adjust = (settings) => settings.udp = "auto";

function path(addresses: string[], local?: string[]): ProxyPath {
  return { addresses, online: true, local };
}

const first = path(["127.0.0.1"]);
const second = path(["127.0.0.2"]);
/** A proxy at both of them. */
const anywhere = { engine: { path: first }, proxyHost: "0.0.0.0" } as const;

/** The next connections to the proxy begin at `address`, if one can believe them. */
function pretendToBeAt(engine: Engine, address: string): void {
  const { driver } = engine;
  const connect = Object.getPrototypeOf(driver).connect as typeof driver.connect;
  driver.connect = (hosts, port, listener) => {
    const { connected } = Object.getPrototypeOf(listener) as ConnectListener;
    listener.connected = (socket: ProxySocket) => {
      const localAddr = { hostname: address, port: 50_000 };
      Object.defineProperty(socket, "localAddr", { value: localAddr });
      connected.call(listener, socket);
    };
    return connect.call(driver, hosts, port, listener);
  };
}

/** Where the client thought the proxy to be. */
function foundAt({ connection }: FakeClient): string {
  return connection.localAddr.hostname;
}

async function echoed(flow: LocalFlow, text: string): Promise<void> {
  const before = flow.bytesReceived;
  flow.send(text);
  await flow.arrived(before + text.length);
}

async function openedFlow({ host }: FakeTunnel): Promise<LocalFlow> {
  const flow = host.connect(FAR, 80);
  assertEquals(await flow.opened(), "open");
  return flow;
}

Deno.test("where the proxy is told to be its name is not looked up", async () => {
  const set: Adjust = ({ proxy }) => proxy!.host = "proxy..lab";
  await withTunnel({ script: echoing, set, engine: { path: first } }, async (tunnel) => {
    await echoed(await openedFlow(tunnel), "from the start");
  });
  await withTunnel({ script: echoing, set }, async (tunnel) => {
    assertEquals(await tunnel.host.connect(FAR, 80).opened(), "network-unreachable");
    tunnel.engine.follow(first);
    await echoed(await openedFlow(tunnel), "from then on");
  });
});

Deno.test("the proxy's addresses are tried in their order", async () => {
  // The system refuses the first at once.
  const engine = { path: path(["255.255.255.255", "127.0.0.2", "127.0.0.1"]) };
  await withTunnel({ ...anywhere, script: echoing, engine }, async (tunnel) => {
    await openedFlow(tunnel);
    assertEquals(tunnel.proxy.clients.map(foundAt), ["127.0.0.2"]);
  });
});

Deno.test("the proxy moves: flows stay where they are, new ones go to where it is", async () => {
  await withTunnel({ ...anywhere, script: echoing }, async (tunnel) => {
    const { engine, proxy } = tunnel;
    const before = await openedFlow(tunnel);
    assertEquals(engine.dialer.capability.pipelining, "yes");
    engine.follow(second);
    assertEquals(engine.dialer.capability.pipelining, "unknown");
    const after = await openedFlow(tunnel);
    assertEquals(proxy.clients.map(foundAt), ["127.0.0.1", "127.0.0.2"]);
    for (const flow of [before, after]) await echoed(flow, "still here");
  });
});

Deno.test("this host moves: what began at the address that is gone ends, and nothing else", async () => {
  await withTunnel({ ...anywhere, script: echoing }, async (tunnel) => {
    const { engine, proxy, logged } = tunnel;
    pretendToBeAt(engine, HERE);
    const flows = [await openedFlow(tunnel), await openedFlow(tunnel)];
    pretendToBeAt(engine, THERE);
    const other = await openedFlow(tunnel);
    engine.follow(path(["127.0.0.1"]));
    engine.follow(path(["127.0.0.1"], [HERE, THERE]));
    for (const flow of [...flows, other]) await echoed(flow, "all are well");
    engine.follow(path(["127.0.0.1"], [THERE]));
    for (const flow of flows) assertEquals(await flow.over(), "reset");
    await echoed(other, "well still");
    for (const client of proxy.clients.slice(0, 2)) {
      assertEquals(await eventually("its end", () => client.how, PATIENCE), seenAsReset);
    }
    assertEquals([engine.counters.proxyCutOff, engine.counters.proxyReset], [2, 0]);
    await logged("2 connections have ended with an address of this host");
    other.abort();
    await quiet(engine);
  });
});

Deno.test("loopback is never gone", async () => {
  await withTunnel({ ...anywhere, script: echoing }, async (tunnel) => {
    const flow = await openedFlow(tunnel);
    tunnel.engine.follow(path(["127.0.0.1"], []));
    await echoed(flow, "here");
    assertEquals(tunnel.engine.counters.proxyCutOff, 0);
  });
});

Deno.test("a flow that waits for the proxy's reply asks again from where this host is now", async () => {
  let hang = true;
  const script = connecting((client) => client.echo());
  const options: TunnelOptions = {
    ...anywhere,
    script: (client, proxy) => {
      if (!hang) return script(client, proxy);
      return client.drain().then(() => {});
    },
  };
  await withTunnel(options, async ({ engine, host, proxy }) => {
    pretendToBeAt(engine, HERE);
    const flow = host.connect(FAR, 80);
    await eventually("the proxy is asked", () => proxy.clients[0], PATIENCE);
    hang = false;
    pretendToBeAt(engine, THERE);
    // Perhaps it is not known here yet that the connection stands: begun again it is either way.
    engine.follow(path(["127.0.0.1"], [HERE, THERE]));
    engine.follow(path(["127.0.0.1"], [THERE]));
    assertEquals(await flow.opened(), "open");
    await echoed(flow, "from there");
    assertEquals(proxy.clients.length, 2);
  });
});

Deno.test("without a way a flow waits, and fails as with a network that is not there", async () => {
  const engine = { path: { ...first, online: false } };
  await withTunnel({ script: echoing, engine }, async (tunnel) => {
    assertEquals(await tunnel.host.connect(FAR, 80).opened(), "network-unreachable");
    assertEquals(tunnel.proxy.clients.length, 0);
    tunnel.engine.follow(first);
    await echoed(await openedFlow(tunnel), "and back");
  });
});

Deno.test("the engine's end does not wait for the way", async () => {
  const engine = { path: { ...first, online: false } };
  await withTunnel({ script: echoing, engine }, async ({ engine, host }) => {
    const flow = host.connect(FAR, 80);
    await eventually("it waits", () => engine.tcpRelays === 1 || undefined, PATIENCE);
    await engine.close();
    engine.follow(first);
    assert(await flow.over() !== "open");
  });
});

async function withUdp(
  udp: UdpScript,
  body: (tunnel: FakeTunnel) => Promise<void>,
): Promise<void> {
  await withTunnel({ ...anywhere, script: udp.script, set: auto }, body);
}

async function came({ host }: FakeTunnel, port: number, count: number): Promise<void> {
  const enough = () => host.received(port).length >= count || undefined;
  await eventually(`${count} datagrams come to port ${port}`, enough, PATIENCE);
}

Deno.test("the proxy moves: whether it relays UDP is asked anew, and associations are made anew", async () => {
  const udp = relaying();
  await withUdp(udp, async (tunnel) => {
    const { engine, host } = tunnel;
    host.sendUdp(5_000, FAR, 7, new Uint8Array([1]));
    await came(tunnel, 5_000, 1);
    engine.follow(path(["127.0.0.1", "127.0.0.2"]));
    assertEquals([engine.verdict.state, engine.udp.associations], ["relays", 1]);
    engine.follow(second);
    assertEquals([engine.verdict.state, engine.udp.associations], ["unknown", 0]);
    assertEquals([engine.udp.mappings, engine.counters.associationsLost], [1, 1]);
    await eventually("it is known", () => engine.verdict.state === "relays" || undefined, PATIENCE);
    host.sendUdp(5_000, FAR, 7, new Uint8Array([2]));
    await came(tunnel, 5_000, 2);
    assertEquals([engine.udp.mappings, engine.udp.associations], [1, 1]);
    const [, old] = udp.controls;
    assert(await eventually("the old one ends", () => old!.how, PATIENCE));
    assertEquals(udp.controls.slice(1).map(foundAt), ["127.0.0.1", "127.0.0.2", "127.0.0.2"]);
  });
});

Deno.test("this host moves: the next datagram of a port goes by an association from where it is", async () => {
  const udp = relaying();
  await withUdp(udp, async (tunnel) => {
    const { engine, host } = tunnel;
    pretendToBeAt(engine, HERE);
    host.sendUdp(5_000, FAR, 7, new Uint8Array([1]));
    await came(tunnel, 5_000, 1);
    pretendToBeAt(engine, THERE);
    host.sendUdp(5_001, FAR, 7, new Uint8Array([1]));
    await came(tunnel, 5_001, 1);
    engine.follow(path(["127.0.0.1"], [THERE]));
    assertEquals([engine.udp.mappings, engine.udp.associations], [2, 1]);
    for (const port of [5_000, 5_001]) {
      host.sendUdp(port, FAR, 7, new Uint8Array([2]));
      await came(tunnel, port, 2);
    }
    assertEquals([engine.verdict.state, engine.counters.associationsLost], ["relays", 1]);
  });
});

Deno.test("the proxy moves in the middle of the question: only the other one's answer counts", async () => {
  const udp = relaying();
  const { answer } = udp;
  const asked = Promise.withResolvers<void>();
  udp.answer = (client, relay) => {
    if (foundAt(client) === "127.0.0.1") relay.onDatagram = () => Promise.resolve(asked.resolve());
    return answer(client, relay);
  };
  const options: TunnelOptions = { ...anywhere, script: udp.script, set: auto, started: false };
  await withTunnel(options, async ({ engine, log }) => {
    const started = engine.start();
    await asked.promise;
    engine.follow(second);
    await started;
    await eventually("it is known", () => engine.verdict.state === "relays" || undefined, PATIENCE);
    assertEquals(log.filter((line) => line.includes("does not relay")), []);
  });
});

Deno.test("a query that the old proxy has not answered is put to the new one", async () => {
  const udp = relaying();
  await withUdp(udp, async (tunnel) => {
    const { engine, host } = tunnel;
    const { answer } = udp;
    udp.answer = async (client, relay) => {
      const elsewhere = foundAt(client) === "127.0.0.2";
      relay.onDatagram = async ({ bytes, payload, port }) => {
        const back = bytes.slice();
        if (port === 53) back.set(answerTo(payload), bytes.length - payload.length);
        if (port !== 53 || elsewhere) await relay.send(back);
      };
      await answer(client, relay);
    };
    host.sendUdp(5_000, SERVER, 53, queryOf(7, "name"));
    await eventually("it is asked", () => udp.relays[1]?.received[0], PATIENCE);
    engine.follow(second);
    await came(tunnel, 5_000, 1);
  });
});

Deno.test("a query over a TCP connection that is cut off goes over another one", async () => {
  const udp = relaying();
  udp.answer = (client) => client.reply(7);
  let asked = 0;
  udp.connect = async (client) => {
    await client.reply(0);
    const query = await client.read(get16(await client.read(2), 0));
    if (++asked > 1) await client.writeBytes(framed(answerTo(query)));
    await client.drain();
  };
  await withUdp(udp, async (tunnel) => {
    const { engine, host } = tunnel;
    pretendToBeAt(engine, HERE);
    host.sendUdp(5_000, SERVER, 53, queryOf(7, "name"));
    await eventually("it is asked", () => asked === 1 || undefined, PATIENCE);
    pretendToBeAt(engine, THERE);
    engine.follow(path(["127.0.0.1"], [THERE]));
    await came(tunnel, 5_000, 1);
    assertEquals([asked, engine.dns.pool.connections], [2, 1]);
  });
});

Deno.test("the newest flow is shown once", async () => {
  await withTunnel({ script: echoing }, async (tunnel) => {
    const { engine, host } = tunnel;
    assertEquals(engine.newestFlow(), undefined);
    await openedFlow(tunnel);
    assertEquals(await host.connect("2001:db8::7", 81).opened(), "open");
    const newest = engine.newestFlow()!;
    assertEquals([newest.destination.port, newest.destination.address.length], [81, 16]);
    assertEquals(engine.newestFlow(), undefined);
    await openedFlow(tunnel);
    const { protocol, source, destination } = engine.newestFlow()!;
    assertEquals([protocol, destination.port], ["tcp", 80]);
    assertEquals(destination.address.join("."), FAR);
    assertEquals(source.address.length, 4);
    assert(source.port > 0);
  });
});
