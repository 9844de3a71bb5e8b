/** Many datagrams at once through an association: whole, in order, each to its place, either way. */

import { assertEquals } from "@std/assert";
import type { UdpSocket } from "../../../ffi/udp_socket_linux.ts";
import { udpHeaderLength, writeUdpHeader } from "../../../src/wire/socks5.ts";
import { eventually } from "../../support/eventually.ts";
import { LOOPBACK, LOOPBACK_6, UdpRig } from "../../support/udp_rig.ts";
import { withServer } from "./client.ts";

const PATIENCE = 60_000;

interface World {
  readonly rig: UdpRig;
  /** The client's socket; the association has heard of it. */
  readonly client: UdpSocket;
  readonly relayPort: number;
  /** A remote, and where the server's socket for its family is. */
  remote(address: Uint8Array): Promise<{ socket: UdpSocket; serverPort: number }>;
}

/** What the server counted: datagrams up and down. */
async function withAssociation(body: (world: World) => Promise<void>): Promise<[number, number]> {
  using rig = new UdpRig();
  const client = rig.bound(LOOPBACK);
  const counters = await withServer({}, async ({ open }) => {
    const control = await open();
    await control.send(5, 1, 0, 5, 3, 0, 1, 0, 0, 0, 0, 0, 0);
    const reply = await control.take(12);
    const relayPort = reply[10]! * 256 + reply[11]!;
    const remote = async (address: Uint8Array) => {
      const socket = rig.bound(address);
      rig.sendTo(client, LOOPBACK, relayPort, [carried(address, socket.port, [])]);
      assertEquals(await arrived(rig, socket, 1), [[]]);
      return { socket, serverPort: rig.senderPort };
    };
    await body({ rig, client, relayPort, remote });
  });
  assertEquals(rig.failures, []);
  return [counters.datagramsUp, counters.datagramsDown];
}

/** Waits for so many, while the server works on the same thread. */
async function arrived(rig: UdpRig, socket: UdpSocket, count: number): Promise<number[][]> {
  const all: number[][] = [];
  const enough = () => {
    all.push(...rig.receiveNow(socket));
    return all.length >= count || undefined;
  };
  await eventually(`${count} datagrams come`, enough, PATIENCE);
  return all;
}

/** A datagram between client and server: from or to that endpoint. */
function carried(address: Uint8Array, port: number, payload: ArrayLike<number>): Uint8Array {
  const header = udpHeaderLength(address.length);
  const bytes = new Uint8Array(header + payload.length);
  writeUdpHeader(bytes, 0, address, 0, address.length, port);
  bytes.set(payload, header);
  return bytes;
}

/** So many payloads of that length, all different. */
function payloads(count: number, length: number): number[][] {
  return Array.from({ length: count }, (_, salt) => {
    return Array.from({ length }, (_, index) => (index * 31 + salt * 7) & 255);
  });
}

for (const [name, address] of [["IPv4", LOOPBACK], ["IPv6", LOOPBACK_6]] as const) {
  Deno.test(`${name}: segments go out as segments, and come back as such`, async () => {
    const counts = await withAssociation(async ({ rig, client, relayPort, remote }) => {
      const { socket, serverPort } = await remote(address);
      for (const [count, length] of [[64, 1], [45, 1_400], [15, 4_200], [3, 20_000]] as const) {
        const all = payloads(count, length);
        const shown = all.map((payload) => carried(address, socket.port, payload));
        rig.sendTo(client, LOOPBACK, relayPort, shown);
        rig.messages.length = 0;
        assertEquals(await arrived(rig, socket, count), all);
        // Long ones are sent from where they lie, and so not behind one another.
        assertEquals(rig.messages.length, length > 4_096 ? count : 1);
        rig.sendTo(socket, address, serverPort, all);
        assertEquals(await arrived(rig, client, count), shown.map((bytes) => [...bytes]));
      }
    });
    assertEquals(counts, [1 + 127, 127]);
  });
}

Deno.test("datagrams of the shortest kind of run: any size, to any remote, of either family", async () => {
  const counts = await withAssociation(async ({ rig, client, relayPort, remote }) => {
    const places = [LOOPBACK, LOOPBACK, LOOPBACK_6];
    const remotes = await Promise.all(places.map(remote));
    // No more at a time than a socket's buffer holds on any system.
    for (let round = 0; round < 6; round++) {
      const expected: number[][][] = [[], [], []];
      const sent = payloads(50, 2_000).map((whole, index) => {
        const to = (index * index + round) % 3;
        const payload = whole.slice(0, (index * 97 + round * 13) % 2_000);
        expected[to]!.push(payload);
        return carried(places[to]!, remotes[to]!.socket.port, payload);
      });
      rig.sendTo(client, LOOPBACK, relayPort, sent);
      for (const [index, { socket }] of remotes.entries()) {
        assertEquals(await arrived(rig, socket, expected[index]!.length), expected[index]);
      }
    }
  });
  assertEquals(counts, [3 + 300, 0]);
});

Deno.test("fragments and rubbish in the middle of a run are dropped, the others are not", async () => {
  const counts = await withAssociation(async ({ rig, client, relayPort, remote }) => {
    const { socket } = await remote(LOOPBACK);
    const run = payloads(10, 50).map((payload) => carried(LOOPBACK, socket.port, payload));
    run[3]![2] = 1;
    run[6]![3] = 9;
    rig.sendTo(client, LOOPBACK, relayPort, run);
    const kept = payloads(10, 50).filter((_, index) => index !== 3 && index !== 6);
    assertEquals(await arrived(rig, socket, 8), kept);
  });
  assertEquals(counts, [1 + 8, 0]);
});

Deno.test("each association has its own sockets, and goes by itself", async () => {
  using rig = new UdpRig();
  await withServer({}, async ({ open, server }) => {
    const ports: number[] = [];
    for (let i = 0; i < 3; i++) {
      const control = await open();
      await control.send(5, 1, 0, 5, 3, 0, 1, 0, 0, 0, 0, 0, 0);
      const reply = await control.take(12);
      ports.push(reply[10]! * 256 + reply[11]!);
      const remote = rig.bound(LOOPBACK);
      const client = rig.bound(LOOPBACK);
      rig.sendTo(client, LOOPBACK, ports[i]!, [carried(LOOPBACK, remote.port, [i])]);
      assertEquals(await arrived(rig, remote, 1), [[i]]);
      if (i === 1) control.close();
    }
    assertEquals(new Set(ports).size, 3);
    await eventually("one is over", () => server.associations === 2 || undefined, PATIENCE);
  });
});
