import { assertEquals, assertThrows } from "@std/assert";
import { MemoryLink } from "../../../src/link/memory_link.ts";
import { HEADER_ROOM } from "../../../src/packet_output.ts";

Deno.test("packets come in the order in which they were put, each into the slot that is named", () => {
  const link = new MemoryLink();
  const at = link.arena.takeLarge();
  assertEquals(link.receive(at), at);
  link.push(Uint8Array.of(1, 2, 3));
  link.push(Uint8Array.of(4));
  assertEquals(link.receive(at), at + 3);
  assertEquals([...link.arena.bytes.subarray(at, at + 3)], [1, 2, 3]);
  const other = link.arena.takeLarge();
  assertEquals(link.receive(other), other + 1);
  assertEquals([link.arena.bytes[at], link.arena.bytes[other]], [1, 4]);
  assertEquals(link.receive(other), other);
});

Deno.test("header and payload leave as one packet, in bytes of its own", () => {
  const link = new MemoryLink();
  const sent: Uint8Array[] = [];
  link.onSend = (packet) => sent.push(packet) > 0;
  const headerAt = link.headerAt();
  const payloadAt = link.arena.takeSmall();
  const { bytes } = link.arena;
  bytes.set([1, 2, 3], headerAt);
  bytes.set([7, 8], payloadAt);
  assertEquals(link.send(headerAt, headerAt + 3, payloadAt, payloadAt + 2), true);
  bytes.fill(0, headerAt, headerAt + 3);
  assertEquals(link.send(headerAt, headerAt + 1, payloadAt, payloadAt), true);
  assertEquals(sent, [Uint8Array.of(1, 2, 3, 7, 8), Uint8Array.of(0)]);
});

Deno.test("a full link is false; a header that is too long is a mistake of ours", () => {
  const link = new MemoryLink();
  link.onSend = () => false;
  const at = link.headerAt();
  assertEquals(link.send(at, at + HEADER_ROOM, 0, 0), false);
  assertThrows(() => link.send(at, at + HEADER_ROOM + 1, 0, 0), RangeError);
});

Deno.test("it is what was asked for, and closing gives back all memory", () => {
  const link = new MemoryLink({ mtu: 9_000, vnet: true, largeSlots: 2, smallSlots: 3 });
  assertEquals([link.mtu, link.vnet], [9_000, true]);
  assertEquals([link.arena.freeLarge, link.arena.freeSmall], [2, 3]);
  link.push(Uint8Array.of(1));
  link.close();
  assertEquals(link.arena.bytesInUse, 0);
  const at = link.arena.takeLarge();
  assertEquals(link.receive(at), at);
});
