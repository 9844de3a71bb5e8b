import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { get16 } from "../../../src/bytes.ts";
import {
  UDP_CHECKSUM,
  UDP_DESTINATION_PORT,
  UDP_HEADER,
  UDP_LENGTH,
  UDP_SOURCE_PORT,
  udpEnd,
  writeUdp,
} from "../../../src/wire/udp.ts";
import { captured, plainPackets } from "../../vectors/packets/packets.ts";

Deno.test("a datagram of Linux ends where its packet ends", () => {
  const [udp4] = captured(plainPackets, "udp4");
  assertEquals(udpEnd(udp4!, 20, udp4!.length), udp4!.length);
  assertEquals(get16(udp4!, 20 + UDP_DESTINATION_PORT), 7);
  const [udp6] = captured(plainPackets, "udp6");
  assertEquals(udpEnd(udp6!, 40, udp6!.length), udp6!.length);
});

Deno.test("a length that is not true is refused; what lies behind the datagram is cut off", () => {
  const bytes = new Uint8Array(40);
  const check = (length: number, end: number) => {
    writeUdp(bytes, 4, 1, 2, length);
    return udpEnd(bytes, 4, end);
  };
  assertEquals(check(8, 12), 12);
  assertEquals(check(8, 40), 12);
  assertEquals(check(36, 40), 40);
  assertEquals(check(37, 40), -1);
  assertEquals(check(7, 40), -1);
  assertEquals(check(0, 40), -1);
  assertEquals(check(8, 11), -1);
});

Deno.test("property: what is written reads back, and stays in its eight bytes", () => {
  const port = fc.nat(0xffff);
  fc.assert(fc.property(port, port, fc.integer({ min: 8, max: 0xffff }), (from, to, length) => {
    const bytes = new Uint8Array(length + 2).fill(0xee);
    writeUdp(bytes, 1, from, to, length);
    assertEquals(get16(bytes, 1 + UDP_SOURCE_PORT), from);
    assertEquals(get16(bytes, 1 + UDP_DESTINATION_PORT), to);
    assertEquals(get16(bytes, 1 + UDP_LENGTH), length);
    assertEquals(get16(bytes, 1 + UDP_CHECKSUM), 0);
    assertEquals(udpEnd(bytes, 1, bytes.length), 1 + length);
    assertEquals([bytes[0], bytes[1 + UDP_HEADER]], [0xee, 0xee]);
  }));
});
