import { assertEquals } from "@std/assert";
import type { Socks5ServerCounters } from "../../../src/socks_server/counters.ts";
import { PairedDestinations, socketAddressOf } from "../../../src/socks_server/destination_map.ts";
import { eventually } from "../../support/eventually.ts";
import { type Client, type Running, withServer as withAnyServer } from "./client.ts";

const LOOPBACK = [127, 0, 0, 1];

function udp(hostname = "127.0.0.1"): Deno.DatagramConn {
  return Deno.listenDatagram({ transport: "udp", hostname, port: 0 });
}

function portOf(socket: Deno.DatagramConn): number {
  return (socket.addr as Deno.NetAddr).port;
}

/** Asks for an association; where its relay is. */
async function associate(client: Client, port = 0): Promise<Deno.NetAddr> {
  await client.send(5, 1, 0, 5, 3, 0, 1, 0, 0, 0, 0, port >> 8, port & 255);
  const reply = (await client.take(12)).slice(2);
  assertEquals(reply.slice(0, 4), [5, 0, 0, 1]);
  return {
    transport: "udp",
    hostname: reply.slice(4, 8).join("."),
    port: ((reply[8] ?? 0) << 8) | (reply[9] ?? 0),
  };
}

function datagram(address: number[], port: number, payload: ArrayLike<number>): Uint8Array {
  const head = [0, 0, 0, address.length === 4 ? 1 : 4, ...address, port >> 8, port & 255];
  const bytes = new Uint8Array(head.length + payload.length);
  bytes.set(head);
  bytes.set(payload, head.length);
  return bytes;
}

async function take(socket: Deno.DatagramConn): Promise<[Uint8Array, Deno.NetAddr]> {
  const [bytes, from] = await socket.receive(new Uint8Array(65_535));
  return [bytes, from as Deno.NetAddr];
}

/** What every relay does: those on the system's sockets, and those on Deno's. */
let batchDatagrams = true;

function test(name: string, body: () => Promise<void>): void {
  for (const batched of [true, false]) {
    Deno.test(`${name} (${batched ? "batched" : "one by one"})`, () => {
      batchDatagrams = batched;
      return body();
    });
  }
}

const withServer: typeof withAnyServer = (options, body) => {
  return withAnyServer({ batchDatagrams, ...options }, body);
};

/** An association with the client's socket and one remote. */
async function withAssociation(
  options: Parameters<typeof withServer>[0],
  body: (world: {
    running: Running;
    control: Client;
    relay: Deno.NetAddr;
    local: Deno.DatagramConn;
    remote: Deno.DatagramConn;
  }) => Promise<void>,
): Promise<Socks5ServerCounters> {
  const local = udp();
  const remote = udp();
  try {
    return await withServer(options, async (running) => {
      const control = await running.open();
      const relay = await associate(control);
      await body({ running, control, relay, local, remote });
    });
  } finally {
    local.close();
    remote.close();
  }
}

test("datagrams go out and come back with their source, empty ones and the longest too", async () => {
  const counters = await withAssociation({}, async ({ relay, local, remote }) => {
    assertEquals(relay.hostname, "127.0.0.1");
    for (const size of [0, 1, 1400, 9000, 65_497]) {
      const payload = crypto.getRandomValues(new Uint8Array(Math.min(size, 65_536)));
      await local.send(datagram(LOOPBACK, portOf(remote), payload), relay);
      const [arrived, from] = await take(remote);
      assertEquals(arrived, payload);
      await remote.send(arrived, from);
      const [answer, source] = await take(local);
      assertEquals(source.port, relay.port);
      assertEquals(answer, datagram(LOOPBACK, portOf(remote), payload));
    }
  });
  const { datagramsUp, datagramsDown, associations } = counters;
  assertEquals([datagramsUp, datagramsDown, associations], [5, 5, 1]);
});

test("a reply too long to carry its header is dropped and counted", async () => {
  const counters = await withAssociation({}, async ({ relay, local, remote }) => {
    await local.send(datagram(LOOPBACK, portOf(remote), [1]), relay);
    const [, from] = await take(remote);
    await remote.send(new Uint8Array(65_507), from);
    await remote.send(new Uint8Array([2]), from);
    assertEquals((await take(local))[0].length, 11);
  });
  assertEquals(counters.datagramsTooLong, 1);
});

test("endpoint-independent: any remote may answer the socket that one of them was sent from", async () => {
  const stranger = udp();
  await withAssociation({}, async ({ relay, local, remote }) => {
    await local.send(datagram(LOOPBACK, portOf(remote), [1]), relay);
    const [, from] = await take(remote);
    await stranger.send(new Uint8Array([9]), from);
    assertEquals((await take(local))[0], datagram(LOOPBACK, portOf(stranger), [9]));
  });
  stranger.close();
});

test("only the client's first port is served; fragments and rubbish are dropped", async () => {
  const intruder = udp();
  const counters = await withAssociation({}, async ({ relay, local, remote }) => {
    const good = datagram(LOOPBACK, portOf(remote), [1]);
    await local.send(good, relay);
    await take(remote);
    await intruder.send(datagram(LOOPBACK, portOf(remote), [66]), relay);
    const fragment = good.slice();
    fragment[2] = 1;
    await local.send(fragment, relay);
    await local.send(new Uint8Array([0, 0, 0]), relay);
    await local.send(datagram([224, 0, 0, 1], 9, [1]), relay);
    await local.send(datagram([255, 255, 255, 255], 9, [1]), relay);
    await local.send(datagram(LOOPBACK, portOf(remote), [2]), relay);
    assertEquals((await take(remote))[0], new Uint8Array([2]));
  });
  assertEquals(counters.datagramsForeign, 1);
  assertEquals(counters.datagramsFragmented, 1);
  assertEquals(counters.datagramsMalformed, 1);
  assertEquals(counters.datagramsUnsendable, 2);
  intruder.close();
});

test("an announced port is the only one from the start", async () => {
  const local = udp();
  const other = udp();
  const remote = udp();
  const counters = await withServer({}, async ({ open }) => {
    const relay = await associate(await open(), portOf(local));
    await other.send(datagram(LOOPBACK, portOf(remote), [66]), relay);
    await local.send(datagram(LOOPBACK, portOf(remote), [1]), relay);
    assertEquals((await take(remote))[0], new Uint8Array([1]));
  });
  assertEquals(counters.datagramsForeign, 1);
  local.close();
  other.close();
  remote.close();
});

test("names are looked up once, unknown ones counted", async () => {
  const asked: string[] = [];
  const lookup = (name: string) => {
    asked.push(name);
    return name === "far.test"
      ? Promise.resolve([new Uint8Array(LOOPBACK)])
      : Promise.reject(new Error("no such name"));
  };
  const counters = await withAssociation({ lookup }, async ({ relay, local, remote }) => {
    const named = (name: string, payload: number) => {
      const text = [...new TextEncoder().encode(name)];
      const port = portOf(remote);
      return new Uint8Array([0, 0, 0, 3, text.length, ...text, port >> 8, port & 255, payload]);
    };
    await local.send(named("nowhere.test", 1), relay);
    await local.send(named("far.test", 2), relay);
    const [first, from] = await take(remote);
    assertEquals(first, new Uint8Array([2]));
    await local.send(named("far.test", 3), relay);
    await local.send(named("not a name", 4), relay);
    assertEquals((await take(remote))[0], new Uint8Array([3]));
    await remote.send(new Uint8Array([5]), from);
    assertEquals((await take(local))[0], datagram(LOOPBACK, portOf(remote), [5]));
    assertEquals(asked, ["nowhere.test", "far.test"]);
  });
  assertEquals(counters.datagramsUnresolved, 2);
});

test("IPv6 destinations have a socket of their own", async () => {
  const six = udp("::1");
  await withAssociation({}, async ({ relay, local }) => {
    const one = [...new Array(15).fill(0), 1];
    await local.send(datagram(one, portOf(six), [1, 2]), relay);
    const [arrived, from] = await take(six);
    assertEquals(arrived, new Uint8Array([1, 2]));
    await six.send(arrived, from);
    assertEquals((await take(local))[0], datagram(one, portOf(six), [1, 2]));
  });
  six.close();
});

test("clients may be shown other addresses than the real ones", async () => {
  const remote = udp();
  const local = udp();
  const destinations = new PairedDestinations([
    [socketAddressOf("192.0.2.53", 53), socketAddressOf("127.0.0.1", portOf(remote))],
  ]);
  await withServer({ destinations }, async ({ open }) => {
    const relay = await associate(await open());
    await local.send(datagram([192, 0, 2, 53], 53, [1]), relay);
    const [arrived, from] = await take(remote);
    await remote.send(arrived, from);
    assertEquals((await take(local))[0], datagram([192, 0, 2, 53], 53, [1]));
  });
  remote.close();
  local.close();
});

test("an association ends with its control connection, and is bounded in number", async () => {
  await withAssociation({ limits: { associations: 1 } }, async ({ running, control, relay }) => {
    const second = await running.open();
    await second.send(5, 1, 0, 5, 3, 0, 1, 0, 0, 0, 0, 0, 0);
    assertEquals((await second.take(12))[3], 1);
    await control.connection.closeWrite();
    assertEquals(await control.fate(), "end");
    // The port is free again: whoever binds it now gets it.
    const { hostname, port } = relay;
    // A program that another test starts just now may have a copy of the relay's socket until it runs.
    await eventually("the port to be free", () => {
      Deno.listenDatagram({ transport: "udp", hostname, port }).close();
      return true;
    });
  });
});
