/** Datagrams on their way to the local host: which of them are one packet, and that all of them are whole. */

import { assertEquals } from "@std/assert";
import fc from "fast-check";
import type { EngineContext } from "../../../src/engine/context.ts";
import { UdpMapping } from "../../../src/engine/udp_mapping.ts";
import { UdpRun } from "../../../src/engine/udp_run.ts";
import { newUdpHeader, readUdpHeader, writeUdpHeader } from "../../../src/wire/socks5.ts";
import { type Datagram, Harness } from "../stack/harness.ts";

const HOST = new Uint8Array([198, 18, 0, 2]);
const HOST_6 = new Uint8Array(16).fill(0xfd);
const FAR = new Uint8Array([203, 0, 113, 7]);
const FAR_6 = new Uint8Array(16).fill(0x20);
const MTU = 1_500;

interface Sent {
  readonly from: Uint8Array;
  readonly port: number;
  readonly mapping: UdpMapping;
  readonly payload: Uint8Array;
}

class Setup {
  readonly harness: Harness;
  readonly run: UdpRun;
  readonly #header = newUdpHeader();
  #slot: number;
  #tail: number;

  constructor(udpSegments = true) {
    this.harness = new Harness({ vnet: true, udpSegments, mtu: MTU, largeSlots: 200 });
    const { stack, link: { arena } } = this.harness;
    // All of a context that a run looks at.
    this.run = new UdpRun({ stack, arena } as unknown as EngineContext);
    this.#slot = arena.takeLarge();
    this.#tail = this.#slot;
  }

  /** Another message is received: into a slot of its own. */
  nextMessage(): void {
    this.#slot = this.harness.link.arena.takeLarge();
    this.#tail = this.#slot;
  }

  /** The next datagram of the message. */
  add({ from, port, mapping, payload }: Sent): void {
    const { bytes } = this.harness.link.arena;
    const at = this.#tail;
    const payloadAt = at + writeUdpHeader(bytes, at, from, 0, from.length, port);
    bytes.set(payload, payloadAt);
    this.#tail = payloadAt + payload.length;
    readUdpHeader(bytes, at, this.#tail, this.#header);
    this.run.add(mapping, this.#header, this.#tail);
  }

  /** How many packets were written to the link, and the datagrams that the local host finds in them. */
  flush(): { packets: number; datagrams: Datagram[] } {
    this.run.flush();
    const packets = this.harness.written.splice(0).length;
    const host = new Harness({ mtu: MTU });
    host.receive(...this.harness.take());
    return { packets, datagrams: host.datagrams };
  }
}

function datagram(length: number, salt = 0, more: Partial<Sent> = {}): Sent {
  const payload = Uint8Array.from({ length }, (_, index) => index * 31 + salt);
  return { from: FAR, port: 7, mapping: mapping4, payload, ...more };
}

const mapping4 = new UdpMapping(1, HOST, 5_000);
const mapping6 = new UdpMapping(2, HOST_6, 5_000);

Deno.test("datagrams of one flow and one size are one packet, of which the last may be shorter", () => {
  const it = new Setup();
  const all = [100, 100, 100, 60, 60, 61].map((length, index) => datagram(length, index));
  for (const sent of all) it.add(sent);
  const { packets, datagrams } = it.flush();
  assertEquals(packets, 3);
  assertEquals(
    datagrams,
    all.map(({ payload }) => ({ sourcePort: 7, destinationPort: 5_000, payload })),
  );
  assertEquals(it.harness.counters.udpSent, 6);
});

Deno.test("another remote, another port, another local port or family begin another packet", () => {
  const it = new Setup();
  const other = new UdpMapping(3, HOST, 5_001);
  it.add(datagram(10));
  it.add(datagram(10, 0, { from: FAR.with(3, 8) }));
  it.add(datagram(10, 0, { port: 8 }));
  it.add(datagram(10, 0, { mapping: other }));
  it.add(datagram(10, 0, { from: FAR_6, mapping: mapping6 }));
  it.add(datagram(10, 0, { from: FAR_6, mapping: mapping6 }));
  const { packets, datagrams } = it.flush();
  assertEquals([packets, datagrams.length], [5, 6]);
});

Deno.test("empty datagrams, and those that must be fragmented, go by themselves", () => {
  const it = new Setup();
  for (const length of [0, 0, 5, 0]) it.add(datagram(length));
  assertEquals(it.flush().packets, 4);
  for (let i = 0; i < 3; i++) it.add(datagram(MTU - 28));
  assertEquals(it.flush().packets, 1);
  for (let i = 0; i < 3; i++) it.add(datagram(MTU - 27));
  assertEquals(it.flush().packets, 6);
});

Deno.test("a packet has up to 64 datagrams, and no more bytes than IPv4 can say", () => {
  const it = new Setup();
  for (let i = 0; i < 130; i++) it.add(datagram(1, i));
  assertEquals(it.flush().packets, 3);
  it.nextMessage();
  for (let i = 0; i < 46; i++) it.add(datagram(1_400, i));
  assertEquals(it.flush().packets, 1);
  // Of a message that came later, so that there is one more than fits.
  it.nextMessage();
  for (let i = 0; i < 40; i++) it.add(datagram(1_400, i));
  it.nextMessage();
  for (let i = 0; i < 7; i++) it.add(datagram(1_400, i));
  assertEquals(it.flush().packets, 2);
});

Deno.test("a device that takes no such packets gets one for each", () => {
  const it = new Setup(false);
  for (let i = 0; i < 5; i++) it.add(datagram(100, i));
  assertEquals(it.flush().packets, 5);
});

Deno.test("nothing to flush is nothing sent", () => {
  assertEquals(new Setup().flush(), { packets: 0, datagrams: [] });
});

Deno.test("property: whatever comes is sent as it came, in order", () => {
  const length = fc.oneof(fc.constantFrom(0, 1, 100, 1_200, 1_472), fc.nat(1_600));
  const step = fc.record({ length, ipv6: fc.boolean(), port: fc.nat(1), message: fc.boolean() });
  fc.assert(fc.property(fc.array(step, { maxLength: 100 }), (steps) => {
    const it = new Setup();
    const expected: [number, Uint8Array][] = [];
    let room = 0;
    for (const [index, { length, ipv6, port, message }] of steps.entries()) {
      if (message || room < 2_000) {
        it.nextMessage();
        room = 60_000;
      }
      room -= 22 + length;
      const more = ipv6 ? { from: FAR_6, mapping: mapping6, port } : { port };
      const sent = datagram(length, index, more);
      expected.push([port, sent.payload]);
      it.add(sent);
    }
    const { datagrams } = it.flush();
    assertEquals(datagrams.map(({ sourcePort, payload }) => [sourcePort, payload]), expected);
  }));
});
