import { assertEquals } from "@std/assert";
import {
  GSO_NONE,
  GSO_TCP4,
  GSO_TCP6,
  GSO_UDP_SEGMENTS,
  VNET_HEADER,
  writePlainVnetHeader,
  writeVnetHeader,
} from "../../../src/wire/vnet_header.ts";
import { captured, vnetPackets } from "../../vectors/packets/packets.ts";

/** What is written for these fields, next to what Linux wrote. */
function same(name: string, index: number, fields: [number, number, number, number, number]): void {
  const bytes = new Uint8Array(VNET_HEADER + 2).fill(0xee);
  writeVnetHeader(bytes, 1, ...fields);
  const packet = captured(vnetPackets, name)[index]!;
  assertEquals(bytes.slice(1, 11), packet.slice(0, VNET_HEADER), name);
  assertEquals([bytes[0], bytes[11]], [0xee, 0xee]);
}

Deno.test("super-segments: the headers that Linux writes", () => {
  same("tcp4-bulk", 2, [GSO_TCP4, 1448, 52, 20, 16]);
  same("tcp6-bulk", 2, [GSO_TCP6, 1428, 72, 40, 16]);
  same("udp4-uso", 0, [GSO_UDP_SEGMENTS, 1000, 28, 20, 6]);
  same("udp6-uso", 0, [GSO_UDP_SEGMENTS, 1000, 48, 40, 6]);
});

Deno.test("one segment with a partial checksum: no length of headers is asked for by Linux", () => {
  same("tcp4", 0, [GSO_NONE, 0, 0, 20, 16]);
  same("udp6", 0, [GSO_NONE, 0, 0, 40, 6]);
});

Deno.test("a plain header is ten zeros, as in front of a fragment", () => {
  const bytes = new Uint8Array(12).fill(0xee);
  writePlainVnetHeader(bytes, 1);
  assertEquals([...bytes], [0xee, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xee]);
  const [piece] = captured(vnetPackets, "ping4-fragments");
  assertEquals(bytes.slice(1, 11), piece!.slice(0, VNET_HEADER));
});
