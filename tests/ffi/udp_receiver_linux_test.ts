import { assertEquals } from "@std/assert";
import { Errno } from "../../ffi/libc.ts";
import { UdpReceiver } from "../../ffi/udp_receiver_linux.ts";
import { get16 } from "../../src/bytes.ts";
import { LOOPBACK, LOOPBACK_6, UdpRig } from "../support/udp_rig.ts";

Deno.test("nothing there is EAGAIN, not a wait", () => {
  using it = new UdpRig();
  assertEquals(it.receiveOnce(it.bound(LOOPBACK)), -Errno.EAGAIN);
});

for (
  const [name, loopback, addressAt] of [["IPv4", LOOPBACK, 4], ["IPv6", LOOPBACK_6, 8]] as const
) {
  Deno.test(`${name}: a message says who sent it, and how long its datagrams are`, () => {
    using it = new UdpRig();
    const { receiver } = it.io;
    const server = it.bound(loopback);
    const client = it.bound(loopback);
    it.sendTo(client, loopback, server.port, [[1, 2, 3], [4, 5, 6], [7]]);
    it.wait(server);
    assertEquals(it.receiveOnce(server), 1);
    assertEquals(receiver.segment(0), 3);
    const received = it.memory.bytes.subarray(receiver.at(0), receiver.end(0));
    assertEquals([...received], [1, 2, 3, 4, 5, 6, 7]);
    const { names } = receiver;
    const at = receiver.nameAt(0);
    assertEquals(get16(names, at + 2), client.port);
    assertEquals(names.slice(at + addressAt, at + addressAt + loopback.length), loopback);
  });
}

Deno.test("a burst is kept until it is read, in order, so many messages at a time", () => {
  using it = new UdpRig();
  const server = it.bound(LOOPBACK);
  const socket = it.connected(LOOPBACK, server.port);
  const burst = Array.from({ length: 100 }, (_, index) => [index]);
  for (const datagram of burst) it.send(socket, [datagram]);
  assertEquals(it.receive(server, 100), burst);
  for (const datagram of burst) it.send(socket, [datagram]);
  it.wait(server);
  assertEquals(it.receiveOnce(server, 1), 1);
  assertEquals(it.receive(server, 99), burst.slice(1));
  assertEquals(it.messages.length > UdpReceiver.size, true);
});

Deno.test("an empty datagram is one", () => {
  using it = new UdpRig();
  const server = it.bound(LOOPBACK);
  it.send(it.connected(LOOPBACK, server.port), [[], [], [9]]);
  assertEquals(it.receive(server, 3), [[], [], [9]]);
});

Deno.test("a datagram that does not fit is cut, and the next one is whole", () => {
  using it = new UdpRig();
  const { receiver } = it.io;
  const server = it.bound(LOOPBACK);
  const socket = it.connected(LOOPBACK, server.port);
  it.send(socket, [new Uint8Array(100).fill(5)]);
  it.send(socket, [new Uint8Array(20).fill(6)]);
  it.memory.bytes.fill(0, receiver.at(0), receiver.at(0) + 100);
  it.wait(server);
  assertEquals(it.receiveOnce(server, 1, 30), 1);
  assertEquals(receiver.end(0) - receiver.at(0), 30);
  assertEquals(it.memory.bytes[receiver.at(0) + 30], 0);
  assertEquals(it.receive(server, 1), [Array(20).fill(6)]);
});

Deno.test("a port that nobody listens on is an error, once, and the socket lives on", () => {
  using it = new UdpRig();
  const server = it.bound(LOOPBACK);
  const socket = it.connected(LOOPBACK, server.port);
  it.close(server);
  for (let round = 0; round < 2; round++) {
    it.send(socket, [[1]]);
    it.wait(socket);
    assertEquals(it.receiveOnce(socket), -Errno.ECONNREFUSED);
    assertEquals(it.receiveOnce(socket), -Errno.EAGAIN);
  }
  assertEquals(it.failures, []);
});
