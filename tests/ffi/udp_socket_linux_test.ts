import { assertEquals, assertNotEquals, assertThrows } from "@std/assert";
import { SysError } from "../../ffi/libc.ts";
import { socketAddress, UdpSocket } from "../../ffi/udp_socket_linux.ts";
import { LOOPBACK, LOOPBACK_6, UdpRig } from "../support/udp_rig.ts";

for (const [name, loopback] of [["IPv4", LOOPBACK], ["IPv6", LOOPBACK_6]] as const) {
  Deno.test(`${name}: a socket is bound to a port of its own, at one address or at all`, () => {
    using it = new UdpRig();
    for (const address of [loopback, new Uint8Array(loopback.length)]) {
      const server = it.bound(address);
      assertNotEquals(server.port, 0);
      it.send(it.connected(loopback, server.port), [[1, 2]]);
      assertEquals(it.receive(server, 1), [[1, 2]]);
    }
  });
}

Deno.test("only the address it is connected to is heard", () => {
  using it = new UdpRig();
  const server = it.bound(LOOPBACK);
  const socket = it.connected(LOOPBACK, server.port);
  const stranger = it.bound(LOOPBACK);
  it.sendTo(stranger, LOOPBACK, socket.port, [[66]]);
  it.sendTo(server, LOOPBACK, socket.port, [[7]]);
  assertEquals(it.receive(socket, 1), [[7]]);
});

Deno.test("an address that cannot be had is an error with a name", () => {
  // Connecting to the broadcast address needs SO_BROADCAST.
  const broadcast = new Uint8Array([255, 255, 255, 255]);
  assertThrows(() => UdpSocket.connected(broadcast, 9), SysError, "connect failed: EACCES");
  const foreign = new Uint8Array([192, 0, 2, 1]);
  assertThrows(() => UdpSocket.bound(foreign, 0), SysError, "bind failed: EADDRNOTAVAIL");
});

Deno.test("addresses are laid out as the system has them", () => {
  const ipv4 = socketAddress(new Uint8Array([192, 0, 2, 1]), 0x1234);
  assertEquals([...ipv4.bytes.subarray(0, ipv4.length)], [
    ...[2, 0, 0x12, 0x34, 192, 0, 2, 1],
    ...new Array(8).fill(0),
  ]);
  const octets = Array.from({ length: 16 }, (_, index) => index + 1);
  const ipv6 = socketAddress(Uint8Array.from(octets), 53);
  assertEquals([...ipv6.bytes.subarray(0, ipv6.length)], [
    ...[10, 0, 0, 53, 0, 0, 0, 0],
    ...octets,
    ...[0, 0, 0, 0],
  ]);
});

Deno.test("a socket knows the address that it sends from", () => {
  using it = new UdpRig();
  for (const loopback of [LOOPBACK, LOOPBACK_6]) {
    const server = it.bound(new Uint8Array(loopback.length));
    assertEquals(server.address, new Uint8Array(loopback.length));
    assertEquals(it.connected(loopback, server.port).address, loopback);
  }
});
