import { assertEquals } from "@std/assert";
import type { UdpSocket } from "../../../ffi/udp_socket_linux.ts";
import { UdpLoop } from "../../../src/socks_server/udp_loop.ts";
import { eventually } from "../../support/eventually.ts";
import { LOOPBACK, UdpRig } from "../../support/udp_rig.ts";

const PATIENCE = 60_000;

/** A loop that counts the bytes which come to `socket`. */
function countBytes(loop: UdpLoop, socket: UdpSocket): { readonly bytes: number } {
  const count = { bytes: 0 };
  loop.watch(socket, () => {
    const messages = loop.receive(socket);
    const { receiver } = loop.io;
    for (let i = 0; i < messages; i++) count.bytes += receiver.end(i) - receiver.at(i);
    return messages;
  });
  return count;
}

Deno.test("sockets are read while they are watched; without any the loop rests, and begins again", async () => {
  using rig = new UdpRig();
  const loop = new UdpLoop();
  for (let round = 0; round < 3; round++) {
    const sockets = [rig.bound(LOOPBACK), rig.bound(LOOPBACK)];
    const counts = sockets.map((socket) => countBytes(loop, socket));
    for (const { port } of sockets) rig.send(rig.connected(LOOPBACK, port), [[1, 2], [3, 4], [5]]);
    const all = () => counts.every(({ bytes }) => bytes === 5) || undefined;
    await eventually("both have been read", all, PATIENCE);
    for (const socket of sockets) loop.unwatch(socket);
    // Nobody reads it now.
    rig.send(rig.connected(LOOPBACK, sockets[0]!.port), [[6]]);
    assertEquals(rig.receive(sockets[0]!, 1), [[6]]);
  }
  await loop.close();
  assertEquals(rig.failures, []);
});

Deno.test("when the stage is full, what lies there is sent to make room", async () => {
  using rig = new UdpRig();
  const loop = new UdpLoop();
  const server = rig.bound(LOOPBACK);
  const { sender } = loop.io;
  sender.begin(rig.connected(LOOPBACK, server.port), rig);
  const first = loop.stage(50_000);
  sender.add(first, first + 50_000);
  const second = loop.stage(50_000);
  assertEquals(second, first + 50_000);
  sender.add(second, second + 50_000);
  assertEquals(rig.receiveNow(server), []);
  assertEquals(loop.stage(50_000), first);
  assertEquals(rig.receive(server, 2).map(({ length }) => length), [50_000, 50_000]);
  await loop.close();
});
