import { assertEquals, assertThrows } from "@std/assert";
import { Errno, SysError } from "../../ffi/libc.ts";
import { Memory } from "../../ffi/memory.ts";
import { Poller } from "../../ffi/poller_linux.ts";
import { socketAddress, UdpSocket } from "../../ffi/udp_socket_linux.ts";
import { VECTOR_SIZE, VectorIo } from "../../ffi/vector_io_linux.ts";

const LOOPBACKS = [
  { name: "IPv4", hostname: "127.0.0.1", address: new Uint8Array([127, 0, 0, 1]) },
  { name: "IPv6", hostname: "::1", address: new Uint8Array(16).with(15, 1) },
];
const SIZE = 1 << 18;
const RECEIVED = 1 << 17;
/** RFC 768: 65 535 octets with the IPv4 header, of 20, and the UDP header, of 8. */
const LARGEST_IPV4 = 65_507;

class Fixture implements Disposable {
  readonly #memory = new Memory(SIZE + VECTOR_SIZE);
  readonly bytes = this.#memory.bytes;
  readonly server: Deno.DatagramConn;
  readonly socket: UdpSocket;
  readonly #poller = new Poller();

  constructor({ hostname, address } = LOOPBACKS[0]!) {
    this.server = Deno.listenDatagram({ transport: "udp", hostname, port: 0 });
    const { port } = this.server.addr as Deno.NetAddr;
    this.socket = new UdpSocket(address, port, new VectorIo(this.#memory, SIZE));
    this.#poller.add(this.socket.fd);
  }

  /** Sends so many bytes of a pattern; what `send` gave. */
  send(length: number): number {
    for (let i = 0; i < length; i++) this.bytes[i] = i * 31 + length;
    return this.socket.send(0, length);
  }

  receive(room = SIZE - RECEIVED): number {
    return this.socket.receive(RECEIVED, room);
  }

  /** Until there is something to receive. */
  ready(): Promise<void> {
    return this.#poller.wait();
  }

  async next(room?: number): Promise<number> {
    await this.ready();
    return this.receive(room);
  }

  [Symbol.dispose](): void {
    this.#poller.close();
    this.socket.close();
    this.#memory.free();
  }
}

for (const loopback of LOOPBACKS) {
  Deno.test(`${loopback.name}: datagrams go and come whole`, async () => {
    using it = new Fixture(loopback);
    for (const length of [1, 2, 1_472, 9_000, LARGEST_IPV4]) {
      assertEquals(it.send(length), 0);
      const [received, from] = await it.server.receive(new Uint8Array(65_536));
      assertEquals(received, it.bytes.subarray(0, length));
      await it.server.send(received, from);
      assertEquals(await it.next(), length);
      assertEquals(it.bytes.subarray(RECEIVED, RECEIVED + length), received);
    }
    it.server.close();
  });

  Deno.test(`${loopback.name}: a port that nobody listens on is an error, once`, async () => {
    using it = new Fixture(loopback);
    it.server.close();
    assertEquals(it.send(10), 0);
    assertEquals(await it.next(), -Errno.ECONNREFUSED);
    assertEquals(it.receive(), -Errno.EAGAIN);
    // The socket lives on: whoever listens there next is reached.
    assertEquals(it.send(10), 0);
    assertEquals(await it.next(), -Errno.ECONNREFUSED);
  });
}

Deno.test("a refusal that nobody has read is told by the next send", async () => {
  using it = new Fixture();
  it.server.close();
  assertEquals(it.send(10), 0);
  await it.ready();
  assertEquals(it.send(10), -Errno.ECONNREFUSED);
  assertEquals(it.receive(), -Errno.EAGAIN);
});

Deno.test("an empty answer is one", async () => {
  using it = new Fixture();
  assertEquals(it.send(1), 0);
  const [, from] = await it.server.receive();
  await it.server.send(new Uint8Array(0), from);
  assertEquals(await it.next(), 0);
  assertEquals(it.receive(), -Errno.EAGAIN);
  it.server.close();
});

Deno.test("nothing there is EAGAIN, not a wait", () => {
  using it = new Fixture();
  assertEquals(it.receive(), -Errno.EAGAIN);
  it.server.close();
});

Deno.test("a datagram that UDP cannot carry is refused, and the next one goes", async () => {
  using it = new Fixture();
  assertEquals(it.send(LARGEST_IPV4 + 1), -Errno.EMSGSIZE);
  assertEquals(it.send(3), 0);
  const [received] = await it.server.receive();
  assertEquals(received.length, 3);
  it.server.close();
});

Deno.test("a datagram that does not fit is cut, and the next one is whole", async () => {
  using it = new Fixture();
  assertEquals(it.send(1), 0);
  const [, from] = await it.server.receive();
  await it.server.send(new Uint8Array(100).fill(5), from);
  await it.server.send(new Uint8Array(20).fill(6), from);
  it.bytes.fill(0, RECEIVED);
  assertEquals(await it.next(30), 30);
  assertEquals(it.bytes[RECEIVED + 30], 0);
  assertEquals(await it.next(30), 20);
  assertEquals(it.bytes.subarray(RECEIVED, RECEIVED + 20), new Uint8Array(20).fill(6));
  it.server.close();
});

Deno.test("only the address it is connected to is heard", async () => {
  using it = new Fixture();
  assertEquals(it.send(1), 0);
  const [, from] = await it.server.receive();
  const stranger = Deno.listenDatagram({ transport: "udp", hostname: "127.0.0.1", port: 0 });
  await stranger.send(new Uint8Array(50), from);
  await it.server.send(new Uint8Array(60), from);
  assertEquals(await it.next(), 60);
  assertEquals(it.receive(), -Errno.EAGAIN);
  stranger.close();
  it.server.close();
});

Deno.test("a burst is kept until it is read, in order", async () => {
  using it = new Fixture();
  assertEquals(it.send(1), 0);
  const [, from] = await it.server.receive();
  const burst = 64;
  for (let i = 0; i < burst; i++) await it.server.send(new Uint8Array(1_000).fill(i), from);
  const order: number[] = [];
  while (order.length < burst) {
    assertEquals(await it.next(), 1_000);
    order.push(it.bytes[RECEIVED]!);
  }
  assertEquals(order, order.map((_, index) => index));
  it.server.close();
});

Deno.test("an address that cannot be connected to is an error with a name", () => {
  const memory = new Memory(4_096);
  const io = new VectorIo(memory, 0);
  // Connecting to the broadcast address needs SO_BROADCAST.
  const broadcast = new Uint8Array([255, 255, 255, 255]);
  assertThrows(() => new UdpSocket(broadcast, 9, io), SysError, "connect failed: EACCES");
  memory.free();
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
