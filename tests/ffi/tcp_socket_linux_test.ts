import { assert, assertEquals, assertInstanceOf } from "@std/assert";
import { closeFd } from "../../ffi/fd_passing_linux.ts";
import { libc } from "../../ffi/libc.ts";
import { DescriptorIndex, sendReset } from "../../ffi/tcp_socket_linux.ts";
import { socketAddress } from "../../ffi/udp_socket_linux.ts";

const AF_INET = 2;
const SOCK_DGRAM_CLOEXEC = 2 | 0o2000000;
const LOOPBACK = new Uint8Array([127, 0, 0, 1]);

/** A listener, and connections to it whose other ends it keeps. */
class Pairs implements Disposable {
  readonly dialled: Deno.TcpConn[] = [];
  readonly accepted: Deno.TcpConn[] = [];
  readonly #listener: Deno.TcpListener;
  readonly #closed = new Set<Deno.TcpConn>();

  constructor(readonly hostname = "127.0.0.1") {
    this.#listener = Deno.listen({ hostname, port: 0 });
  }

  get port(): number {
    return this.#listener.addr.port;
  }

  async add(count: number): Promise<void> {
    const { hostname, port } = this;
    for (let i = 0; i < count; i++) {
      const pair = [Deno.connect({ hostname, port }), this.#listener.accept()] as const;
      const [dialled, accepted] = await Promise.all(pair);
      this.dialled.push(dialled);
      this.accepted.push(accepted);
    }
  }

  /** Closes both ends of the pair at `index`. */
  close(index: number): void {
    for (const connection of [this.dialled[index]!, this.accepted[index]!]) {
      if (this.#closed.has(connection)) continue;
      this.#closed.add(connection);
      connection.close();
    }
  }

  [Symbol.dispose](): void {
    for (const index of this.dialled.keys()) this.close(index);
    this.#listener.close();
  }
}

/** That what is written to `fd` comes out of `other`. */
async function assertLeadsTo(fd: number, other: Deno.TcpConn): Promise<void> {
  const mark = crypto.getRandomValues(new Uint8Array(100));
  assertEquals(Number(libc().write(fd, mark, 100n)), 100);
  const read = new Uint8Array(100);
  for (let at = 0; at < read.length;) at += (await other.read(read.subarray(at)))!;
  assertEquals(read, mark);
}

for (const hostname of ["127.0.0.1", "::1"]) {
  Deno.test(`each connection's descriptor is found among many, dialled or accepted (${hostname})`, async () => {
    using pairs = new Pairs(hostname);
    await pairs.add(80);
    const index = new DescriptorIndex();
    const found = new Set<number>();
    for (const [at, dialled] of pairs.dialled.entries()) {
      const fds = [index.find(dialled), index.find(pairs.accepted[at]!)] as const;
      await assertLeadsTo(fds[0], pairs.accepted[at]!);
      await assertLeadsTo(fds[1], dialled);
      for (const fd of fds) found.add(fd);
    }
    assertEquals(found.size, 160);
  });
}

Deno.test("descriptors that were closed and used again are found for whom they are now", async () => {
  using pairs = new Pairs();
  await pairs.add(20);
  const index = new DescriptorIndex();
  const before = pairs.dialled.map((connection) => index.find(connection));
  for (const at of [3, 4, 11]) {
    index.release(before[at]!);
    pairs.close(at);
  }
  await pairs.add(6);
  for (let at = 20; at < 26; at++) {
    await assertLeadsTo(index.find(pairs.dialled[at]!), pairs.accepted[at]!);
  }
});

Deno.test("it is found far behind descriptors that were closed", async () => {
  using pairs = new Pairs();
  await pairs.add(150);
  for (let at = 0; at < 149; at++) pairs.close(at);
  const fd = new DescriptorIndex().find(pairs.dialled[149]!);
  await assertLeadsTo(fd, pairs.accepted[149]!);
});

Deno.test("a UDP socket with the same two ports is not taken for it", async () => {
  using pairs = new Pairs();
  // Opened first, so that it is asked first.
  const udp = libc().socket(AF_INET, SOCK_DGRAM_CLOEXEC, 0);
  await pairs.add(1);
  const [dialled] = pairs.dialled as [Deno.TcpConn];
  const { port: localPort } = dialled.localAddr as Deno.NetAddr;
  const local = socketAddress(LOOPBACK, localPort);
  const remote = socketAddress(LOOPBACK, pairs.port);
  assertEquals(libc().bind(udp, local.bytes, local.length), 0);
  assertEquals(libc().connect(udp, remote.bytes, remote.length), 0);
  const fd = new DescriptorIndex().find(dialled);
  assert(fd !== udp);
  await assertLeadsTo(fd, pairs.accepted[0]!);
  closeFd(udp);
});

Deno.test("a connection that has ended has none, and the next one is found all the same", async () => {
  using pairs = new Pairs();
  await pairs.add(3);
  const index = new DescriptorIndex();
  const fd = index.find(pairs.dialled[1]!);
  sendReset(fd);
  index.release(fd);
  assertEquals(index.find(pairs.dialled[1]!), -1);
  await assertLeadsTo(index.find(pairs.dialled[2]!), pairs.accepted[2]!);
});

Deno.test("releasing what was never found changes nothing", async () => {
  using pairs = new Pairs();
  await pairs.add(1);
  const index = new DescriptorIndex();
  index.release(-1);
  index.release(0);
  await assertLeadsTo(index.find(pairs.dialled[0]!), pairs.accepted[0]!);
});

Deno.test("a reset is a reset for the peer, whichever side sends it", async () => {
  using pairs = new Pairs();
  await pairs.add(2);
  const index = new DescriptorIndex();
  const sides = [
    { from: pairs.dialled[0]!, peer: pairs.accepted[0]! },
    { from: pairs.accepted[1]!, peer: pairs.dialled[1]! },
  ];
  for (const { from, peer } of sides) {
    const reading = peer.read(new Uint8Array(10)).then(
      () => "an orderly end",
      (error: unknown) => error,
    );
    sendReset(index.find(from));
    assertInstanceOf(await reading, Deno.errors.ConnectionReset);
  }
});

Deno.test("closing alone is an orderly end", async () => {
  using pairs = new Pairs();
  await pairs.add(1);
  const reading = pairs.accepted[0]!.read(new Uint8Array(10));
  new DescriptorIndex().find(pairs.dialled[0]!);
  pairs.dialled[0]!.closeWrite();
  assertEquals(await reading, null);
});
