import { assert, assertEquals, assertThrows } from "@std/assert";
import { check, Errno, errno, libc } from "../../../ffi/libc.ts";
import { Memory } from "../../../ffi/memory.ts";
import { openTun } from "../../../ffi/tun_linux.ts";
import type { TunDevice } from "../../../ffi/types.ts";
import { Arena, LARGE_SLOT } from "../../../src/arena.ts";
import { Counters } from "../../../src/counters.ts";
import { TUN_LINK_TAIL, TunLink } from "../../../src/link/tun_link.ts";
import { HEADER_ROOM } from "../../../src/packet_output.ts";
import { inNetNamespace, runHere } from "../../support/net_namespace.ts";
import { type FakeTun, fakeTun, type FakeTunDevice } from "../../support/fake_tun.ts";
import { rootTest } from "../../support/root.ts";

const SLOTS = 4;
const TAIL_AT = Arena.size(SLOTS, SLOTS);

/** More than any packet. */
const BUFFER = 70_000;

interface Fixture extends Disposable {
  readonly link: TunLink;
  readonly bytes: Uint8Array;
  readonly counters: Counters;
  /** A large slot. */
  readonly at: number;
}

function linkOn(device: TunDevice): Fixture {
  const memory = new Memory(TAIL_AT + TUN_LINK_TAIL);
  const arena = new Arena(memory.bytes, SLOTS, SLOTS);
  const counters = new Counters();
  const link = new TunLink(device, 1_500, arena, memory, TAIL_AT, counters);
  return {
    link,
    bytes: memory.bytes,
    counters,
    at: arena.takeLarge(),
    [Symbol.dispose]() {
      link.close();
      memory.free();
    },
  };
}

/** A device, and what lies behind it. */
class Wire implements Disposable {
  readonly #ends: FakeTun;
  readonly #buffer = new Uint8Array(BUFFER);

  constructor(vnet = false) {
    this.#ends = fakeTun(vnet);
  }

  get device(): FakeTunDevice {
    return this.#ends.device;
  }

  put(packet: Uint8Array): void {
    this.#buffer.set(packet);
    check("write", libc().write(this.#ends.far.fd, this.#buffer, BigInt(packet.length)));
  }

  /** The next packet that was sent; undefined when there is none. */
  take(): Uint8Array | undefined {
    const length = Number(libc().read(this.#ends.far.fd, this.#buffer, BigInt(BUFFER)));
    if (length >= 0) return this.#buffer.slice(0, length);
    assertEquals(errno(), Errno.EAGAIN);
    return undefined;
  }

  [Symbol.dispose](): void {
    this.#ends.device.close();
    this.#ends.far.close();
  }
}

function pattern(length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, index) => index * 13 + length);
}

/** Sends `packet`, so much of it as the header. */
function send({ link, bytes, at }: Fixture, packet: Uint8Array, header: number): boolean {
  const headerAt = link.headerAt();
  bytes.set(packet.subarray(0, header), headerAt);
  bytes.set(packet.subarray(header), at);
  return link.send(headerAt, headerAt + header, at, at + packet.length - header);
}

for (const vnet of [false, true]) {
  Deno.test(`packets keep their borders in both directions (${vnet ? "with" : "without"} headers)`, () => {
    using far = new Wire(vnet);
    using it = linkOn(far.device);
    assertEquals([it.link.vnet, it.link.mtu, it.link.fd], [vnet, 1_500, far.device.fd]);
    const packets = [1, 20, 1_500, 65_545].map(pattern);
    for (const packet of packets) far.put(packet);
    for (const packet of packets) {
      it.bytes.fill(0, it.at, it.at + LARGE_SLOT);
      assertEquals(it.link.receive(it.at), it.at + packet.length);
      assertEquals(it.bytes.subarray(it.at, it.at + packet.length), packet);
    }
    assertEquals(it.link.receive(it.at), it.at);
    for (const packet of packets) assert(send(it, packet, Math.min(packet.length, 50)));
    for (const packet of packets) assertEquals(far.take(), packet);
    assertEquals(far.take(), undefined);
    assertEquals(it.link.failure, 0);
  });
}

Deno.test("a packet may be a header alone, as long as headers get", () => {
  using far = new Wire();
  using it = linkOn(far.device);
  const header = pattern(HEADER_ROOM);
  assert(send(it, header, HEADER_ROOM));
  assertEquals(far.take(), header);
});

Deno.test("what was sent is counted, packet by packet and byte by byte", () => {
  using far = new Wire();
  using it = linkOn(far.device);
  send(it, pattern(40), 40);
  send(it, pattern(1_500), 52);
  assertEquals([it.counters.packetsSent, it.counters.bytesSent], [2, 1_540]);
  assertEquals(it.counters.dropLinkFull, 0);
});

Deno.test("a full device drops, says so and counts it; with room again it sends", () => {
  using far = new Wire();
  using it = linkOn(far.device);
  let sent = 0;
  while (send(it, pattern(1_000), 40)) sent++;
  assertEquals(it.counters.packetsSent, sent);
  assertEquals(it.counters.dropLinkFull, 1);
  assertEquals(send(it, pattern(1_000), 40), false);
  assertEquals(it.counters.dropLinkFull, 2);
  assertEquals(it.link.failure, 0);
  let taken = 0;
  while (far.take() !== undefined) taken++;
  assertEquals(taken, sent);
  assert(send(it, pattern(1_000), 40));
});

Deno.test("a device that is gone is a failure with its number, and nothing throws", () => {
  using far = new Wire();
  using it = linkOn(far.device);
  far.device.fail();
  assertEquals(it.link.receive(it.at), it.at);
  assertEquals(it.link.failure, Errno.EBADF);
  assertEquals(send(it, pattern(100), 40), false);
});

Deno.test("closing the link closes the device", () => {
  using far = new Wire();
  let closed = 0;
  using it = linkOn({ ...far.device, close: () => closed++ });
  assertEquals(closed, 0);
  it.link.close();
  assertEquals(closed, 1);
});

Deno.test("a tail that would put vectors at odd places is refused", () => {
  using far = new Wire();
  const memory = new Memory(TAIL_AT + TUN_LINK_TAIL + 8);
  const arena = new Arena(memory.bytes, SLOTS, SLOTS);
  const make = () => new TunLink(far.device, 1_500, arena, memory, TAIL_AT + 4, new Counters());
  assertThrows(make, RangeError);
  memory.free();
});

rootTest("a device that is deleted under the tunnel is a failure", () =>
  inNetNamespace(() => {
    using it = linkOn(openTun({ name: "ztun0", offload: "auto" }));
    assertEquals(it.link.receive(it.at), it.at);
    assertEquals(it.link.failure, 0);
    runHere("ip", "link", "delete", "ztun0");
    assertEquals(it.link.receive(it.at), it.at);
    assertEquals(it.link.failure, Errno.EBADFD);
  }));
