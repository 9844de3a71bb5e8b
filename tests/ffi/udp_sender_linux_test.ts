import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { Errno } from "../../ffi/libc.ts";
import { inNetNamespace, runHere } from "../support/net_namespace.ts";
import { rootTest } from "../support/root.ts";
import { LOOPBACK, LOOPBACK_6, UdpRig } from "../support/udp_rig.ts";

/** RFC 768: 65 535 octets with the IPv4 header, of 20, and the UDP header, of 8. */
const LARGEST_IPV4 = 65_507;

/** So many datagrams of that length, all different. */
function datagrams(count: number, length: number): Uint8Array[] {
  return Array.from({ length: count }, (_, index) => pattern(length, index));
}

function pattern(length: number, salt: number): Uint8Array {
  return Uint8Array.from({ length }, (_, index) => index * 31 + salt * 7 + length);
}

function plain(all: readonly Uint8Array[]): number[][] {
  return all.map((datagram) => [...datagram]);
}

for (const [name, loopback] of [["IPv4", LOOPBACK], ["IPv6", LOOPBACK_6]] as const) {
  Deno.test(`${name}: datagrams go whole and in order, by themselves and to many places`, () => {
    using it = new UdpRig();
    const servers = [it.bound(loopback), it.bound(loopback)];
    const out = it.bound(loopback);
    const all = [0, 1, 2, 1_472, 9_000, 30_000].map(pattern);
    for (const { port } of servers) it.sendTo(out, loopback, port, all);
    for (const server of servers) assertEquals(it.receive(server, all.length), plain(all));
    it.send(it.connected(loopback, servers[0]!.port), all);
    assertEquals(it.receive(servers[0]!, all.length), plain(all));
    assertEquals(it.failures, []);
  });
}

Deno.test("those of one size are one message, of which the last may be shorter", () => {
  using it = new UdpRig();
  const server = it.bound(LOOPBACK);
  const all = [...datagrams(10, 100), pattern(40, 1), ...datagrams(2, 100), pattern(101, 3)];
  it.send(it.connected(LOOPBACK, server.port), all);
  assertEquals(it.receive(server, all.length), plain(all));
  assertEquals(it.messages, [
    { length: 1_040, segment: 100 },
    { length: 200, segment: 100 },
    { length: 101, segment: 101 },
  ]);
});

Deno.test("a message has up to 64 datagrams and 65 507 bytes; there may be any number of messages", () => {
  using it = new UdpRig();
  const server = it.bound(LOOPBACK);
  const socket = it.connected(LOOPBACK, server.port);
  it.send(socket, datagrams(65, 10));
  assertEquals(it.receive(server, 65).length, 65);
  it.send(socket, datagrams(5, 20_000));
  assertEquals(it.receive(server, 5).length, 5);
  assertEquals(it.messages.splice(0).map(({ length }) => length), [640, 10, 60_000, 40_000]);
  const falling = Array.from({ length: 150 }, (_, index) => pattern(2 * (index % 2) + 1, index));
  it.send(socket, falling);
  assertEquals(it.receive(server, 150), plain(falling));
  assertEquals(it.failures, []);
});

Deno.test("what does not lie behind the one before is a message of its own", () => {
  using it = new UdpRig();
  const server = it.bound(LOOPBACK);
  const { sender } = it.io;
  sender.begin(it.connected(LOOPBACK, server.port), it);
  const end = it.lay(it.outAt, pattern(50, 0));
  sender.add(it.outAt, end);
  sender.add(it.outAt, end);
  it.lay(end + 1, pattern(50, 1));
  sender.add(end + 1, end + 51);
  sender.send();
  assertEquals(it.receive(server, 3), plain([pattern(50, 0), pattern(50, 0), pattern(50, 1)]));
  assertEquals(it.messages.length, 3);
});

Deno.test("datagrams that cannot be sent are told of, and the others go", () => {
  using it = new UdpRig();
  const server = it.bound(LOOPBACK);
  it.send(it.connected(LOOPBACK, server.port), [
    pattern(LARGEST_IPV4 + 1, 0),
    pattern(3, 1),
    pattern(LARGEST_IPV4, 2),
  ]);
  assertEquals(it.failures, [{ at: 0, length: LARGEST_IPV4 + 1, error: Errno.EMSGSIZE }]);
  assertEquals(it.receive(server, 2).map(({ length }) => length), [3, LARGEST_IPV4]);
});

Deno.test("each datagram of a message that goes nowhere is told of, and segments are not given up", () => {
  using it = new UdpRig();
  const socket = it.bound(LOOPBACK);
  // Port 0 is nobody's.
  it.sendTo(socket, LOOPBACK, 0, [...datagrams(3, 10), pattern(4, 0)]);
  assertEquals(
    it.failures,
    [0, 10, 20, 30].map((at) => {
      return { at, length: at === 30 ? 4 : 10, error: Errno.EINVAL };
    }),
  );
  assertEquals(socket.segmentLimit, 65_535);
});

Deno.test("a refusal that nobody has read is told by the next send, for all of its first message", () => {
  using it = new UdpRig();
  const server = it.bound(LOOPBACK);
  const socket = it.connected(LOOPBACK, server.port);
  it.close(server);
  it.send(socket, [[1]]);
  it.wait(socket);
  assertEquals(it.failures, []);
  it.send(socket, datagrams(2, 10));
  assertEquals(it.failures, [0, 10].map((at) => ({ at, length: 10, error: Errno.ECONNREFUSED })));
  assertEquals(socket.segmentLimit, 65_535);
});

rootTest(
  "what is too long for the path in segments goes without, and the socket remembers",
  () =>
    inNetNamespace(() => {
      runHere("ip", "link", "set", "lo", "up", "mtu", "1300");
      using it = new UdpRig();
      const server = it.bound(LOOPBACK);
      const socket = it.connected(LOOPBACK, server.port);
      const long = [...datagrams(20, 1_400), pattern(7, 0)];
      it.send(socket, long);
      assertEquals(it.receive(server, long.length), plain(long));
      assertEquals(socket.segmentLimit, 1_399);
      it.messages.length = 0;
      const mixed = [...datagrams(5, 1_400), ...datagrams(5, 1_200)];
      it.send(socket, mixed);
      assertEquals(it.receive(server, mixed.length), plain(mixed));
      assertEquals(it.messages.map(({ length }) => length), [...Array(5).fill(1_400), 6_000]);
      assertEquals(it.failures, []);
    }),
);

Deno.test("property: whatever is added arrives as it is, each at its place, in order", () => {
  const size = fc.oneof(fc.constantFrom(0, 1, 100, 1_200), fc.nat(3_000));
  const added = fc.record({ size, to: fc.nat(1), gap: fc.boolean() });
  fc.assert(
    fc.property(fc.array(added, { maxLength: 70 }), (plan) => {
      using it = new UdpRig();
      const servers = [it.bound(LOOPBACK), it.bound(LOOPBACK)];
      const expected: number[][][] = [[], []];
      const { sender } = it.io;
      sender.begin(it.bound(LOOPBACK), it);
      let at = it.outAt;
      let now = -1;
      for (const [index, { size, to, gap }] of plan.entries()) {
        if (to !== now) sender.to(LOOPBACK, 0, 4, servers[to]!.port);
        now = to;
        const datagram = pattern(size, index);
        if (gap) at++;
        const end = it.lay(at, datagram);
        sender.add(at, end);
        at = end;
        expected[to]!.push([...datagram]);
      }
      sender.send();
      for (const [index, server] of servers.entries()) {
        assertEquals(it.receive(server, expected[index]!.length), expected[index]);
      }
      assertEquals(it.failures, []);
    }),
    { numRuns: 50 },
  );
});
