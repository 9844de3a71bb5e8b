/** Packets to their handlers: UDP in and out, and what is for nobody. */

import { assertEquals } from "@std/assert";
import { Harness, only } from "./harness.ts";
import { be16, FAR4, FAR6, HOST4, HOST6, ipPacket, join, udpPacket } from "./packets.ts";

Deno.test("stack: a datagram goes to the handler, of either family and any size", () => {
  for (const [host, far] of [[HOST4, FAR4], [HOST6, FAR6]] as const) {
    for (const length of [0, 1, 1_400]) {
      const harness = new Harness();
      const payload = new Uint8Array(length).fill(7);
      harness.receive(udpPacket(host, far, 1_000, 53, payload));
      assertEquals(harness.datagrams, [{ sourcePort: 1_000, destinationPort: 53, payload }]);
    }
  }
});

Deno.test("stack: datagrams with a wrong sum are dropped; without one only IPv4 takes them (RFC 8200, 8.1)", () => {
  for (const [host, far, header, taken] of [[HOST4, FAR4, 20, 1], [HOST6, FAR6, 40, 0]] as const) {
    const harness = new Harness();
    const packet = udpPacket(host, far, 1, 2, new Uint8Array([1, 2, 3]));
    packet[header + 9]! ^= 0x10;
    harness.receive(packet);
    assertEquals([harness.datagrams.length, harness.counters.dropChecksum], [0, 1]);
    packet.fill(0, header + 6, header + 8);
    harness.receive(packet);
    assertEquals(harness.datagrams.length, taken);
  }
});

Deno.test("stack: a length that is not true is dropped, bytes behind it are not read", () => {
  const harness = new Harness();
  const upper = (length: number) => join(be16(1), be16(2), be16(length), [0, 0], new Uint8Array(6));
  const fields = { source: HOST4, destination: FAR4, protocol: 17 };
  for (const length of [7, 15]) harness.receive(ipPacket({ ...fields, payload: upper(length) }));
  assertEquals([harness.counters.dropMalformed, harness.datagrams.length], [2, 0]);
  harness.receive(ipPacket({ ...fields, payload: upper(11) }));
  assertEquals(harness.datagrams[0]?.payload.length, 3);
});

Deno.test("stack: a UDP super-segment is as many datagrams as it holds", () => {
  const harness = new Harness({ vnet: true });
  const payload = new Uint8Array(2_500).map((_, i) => i);
  const packet = udpPacket(HOST4, FAR4, 1, 2, payload);
  const { arena } = harness.link;
  const at = arena.takeLarge();
  // Needs checksum, UDP segments, of 1000 bytes each.
  arena.bytes.set(join([1, 5, 28, 0, 0xe8, 3, 20, 0, 6, 0], packet), at);
  harness.stack.receive(at, at + 10 + packet.length, harness.now);
  arena.release(at);
  assertEquals(harness.datagrams.map((datagram) => datagram.payload.length), [1_000, 1_000, 500]);
  assertEquals(join(...harness.datagrams.map((datagram) => datagram.payload)), payload);
});

Deno.test("stack: addresses that nobody can have are dropped", () => {
  const harness = new Harness();
  const payload = new Uint8Array(4);
  for (const bad of [[0, 0, 0, 0], [224, 0, 0, 1], [255, 255, 255, 255]]) {
    harness.receive(udpPacket(new Uint8Array(bad), FAR4, 1, 2, payload));
  }
  harness.receive(udpPacket(new Uint8Array(16), FAR6, 1, 2, payload));
  harness.receive(udpPacket(new Uint8Array(16).fill(0xff, 0, 1), FAR6, 1, 2, payload));
  assertEquals([harness.counters.dropAddress, harness.datagrams.length], [5, 0]);
});

Deno.test("stack: an error about datagrams that are gone names their ports", () => {
  for (const [host, far, header] of [[HOST4, FAR4, 20], [HOST6, FAR6, 40]] as const) {
    const harness = new Harness();
    harness.stack.refuseDatagram(host, 1_000, far, 443, "port-unreachable", harness.now);
    const error = only(harness.take());
    assertEquals([error.source, error.destination], [far, host]);
    assertEquals([...error.payload.slice(8 + header, 12 + header)], [...be16(1_000), ...be16(443)]);
    harness.checkEmpty();
  }
});

Deno.test("stack: rubbish is counted, not thrown", () => {
  const harness = new Harness();
  const good = udpPacket(HOST4, FAR4, 1, 2, new Uint8Array(4));
  const wrongSum = good.slice();
  wrongSum[10]! ^= 1;
  harness.receive(new Uint8Array(), new Uint8Array([0x45]), good.slice(0, 30), wrongSum);
  assertEquals([harness.counters.dropMalformed, harness.counters.dropChecksum], [3, 1]);
});

Deno.test("stack: what a flow may hold shrinks as packet memory runs short", () => {
  const harness = new Harness({ largeSlots: 32, tcp: { flowBytes: 1 << 20 } });
  const { arena } = harness.link;
  const limits = new Set<number>();
  const taken: number[] = [];
  for (let at = 0; at >= 0; at = arena.takeLarge()) {
    if (at > 0) taken.push(at);
    limits.add(harness.stack.receiveLimit);
  }
  assertEquals([...limits], [1 << 20, 4 * 69_632, 69_632]);
  for (const at of taken) arena.release(at);
});
