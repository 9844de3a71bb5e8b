import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { set16 } from "../../../src/bytes.ts";
import { complement } from "../../../src/wire/checksum.ts";
import { Packet } from "../../../src/wire/packet.ts";
import { ICMP, ICMPV6, TCP, UDP } from "../../../src/wire/protocol.ts";
import { GSO_NONE, GSO_TCP4, GSO_TCP6, GSO_UDP_SEGMENTS } from "../../../src/wire/vnet_header.ts";
import { referenceSum, referenceUpperSum } from "../../reference/checksum.ts";
import { captured, plainPackets, vnetPackets } from "../../vectors/packets/packets.ts";

function decode(bytes: Uint8Array, vnet = false): Packet {
  const packet = new Packet(bytes);
  assertEquals(packet.decode(0, bytes.length, vnet), "ok");
  return packet;
}

function one(name: string): Uint8Array {
  return captured(plainPackets, name)[0]!;
}

Deno.test("what Linux sends decodes, and its transport checksums hold", () => {
  for (const [packets, vnet] of [[plainPackets, false], [vnetPackets, true]] as const) {
    for (const { name, bytes } of packets) {
      const packet = decode(bytes.slice(), vnet);
      assertEquals(packet.end, bytes.length, name);
      assertEquals(packet.isFragment, name.endsWith("-fragments"), name);
      const summed = packet.protocol !== ICMP && !packet.isFragment;
      if (summed) assert(packet.transportChecksumHolds(packet.payloadAt, packet.end), name);
    }
  }
});

Deno.test("addresses, protocol and payload lie where they lie", () => {
  const four = decode(one("udp4"));
  assertEquals([four.addressLength, four.protocol, four.payloadAt], [4, UDP, 20]);
  assertEquals([four.sourceAt, four.destinationAt, four.hopLimit], [12, 16, 64]);
  const six = decode(one("tcp6"));
  assertEquals([six.addressLength, six.protocol, six.payloadAt], [16, TCP, 40]);
  assertEquals([six.sourceAt, six.destinationAt, six.hopLimit], [8, 24, 64]);
  assertEquals(decode(one("router-alert4")).payloadAt, 24);
  assertEquals(decode(one("extensions6")).payloadAt, 56);
  assertEquals(decode(one("hop-limit4")).hopLimit, 1);
});

Deno.test("pieces: offset, whether more follow, one id", () => {
  for (const [name, protocol] of [["ping4-fragments", ICMP], ["udp6-fragments", UDP]] as const) {
    const pieces = captured(plainPackets, name).map((bytes) => decode(bytes));
    assertEquals(pieces.map((piece) => piece.moreFragments), [true, true, false]);
    let offset = 0;
    for (const piece of pieces) {
      assertEquals([piece.fragmentOffset, piece.protocol], [offset, protocol]);
      assertEquals(piece.fragmentId, pieces[0]!.fragmentId);
      offset += piece.end - piece.payloadAt;
    }
  }
});

Deno.test("an atomic fragment of IPv6 is whole", () => {
  const [first] = captured(plainPackets, "ping6-fragments");
  set16(first!, 42, 0);
  const packet = decode(first!);
  assertEquals([packet.isFragment, packet.protocol, packet.payloadAt], [false, ICMPV6, 48]);
});

Deno.test("the virtio header says what the kernel vouches for, and what is a super-segment", () => {
  const gso = (name: string, index = 0) => {
    const packet = decode(captured(vnetPackets, name)[index]!, true);
    return [packet.gsoType, packet.gsoSize, packet.checksumTrusted];
  };
  assertEquals(gso("tcp4"), [GSO_NONE, 0, true]);
  assertEquals(gso("tcp4-bulk", 2), [GSO_TCP4, 1448, true]);
  assertEquals(gso("tcp6-bulk", 2), [GSO_TCP6, 1428, true]);
  assertEquals(gso("udp4-uso"), [GSO_UDP_SEGMENTS, 1000, true]);
  assertEquals(gso("ping4"), [GSO_NONE, 0, false]);
  const marked = captured(vnetPackets, "tcp4-bulk")[2]!;
  marked[1]! |= 0x80;
  assertEquals(decode(marked, true).gsoType, GSO_TCP4, "congestion marks are no type of their own");
});

Deno.test("without a virtio header nothing is trusted, whatever came before", () => {
  const bytes = captured(vnetPackets, "tcp4-bulk")[2]!;
  const packet = new Packet(bytes);
  packet.decode(0, bytes.length, true);
  assert(packet.checksumTrusted && packet.transportChecksumHolds(packet.payloadAt, packet.end));
  assertEquals(packet.decode(10, bytes.length, false), "ok");
  assertEquals([packet.checksumTrusted, packet.gsoType, packet.gsoSize], [false, GSO_NONE, 0]);
  assert(!packet.transportChecksumHolds(packet.payloadAt, packet.end), "the sum is a partial one");
});

Deno.test("malformed and wrongly summed packets are told apart", () => {
  const decoded = (bytes: Uint8Array, vnet = false) => {
    return new Packet(bytes).decode(0, bytes.length, vnet);
  };
  assertEquals(decoded(new Uint8Array(0)), "malformed");
  assertEquals(decoded(new Uint8Array(9), true), "malformed");
  assertEquals(decoded(new Uint8Array(10), true), "malformed");
  assertEquals(decoded(new Uint8Array(60)), "malformed");
  assertEquals(decoded(one("tcp4").slice(0, 30)), "malformed");
  assertEquals(decoded(one("tcp6").slice(0, 50)), "malformed");
  const damaged = one("tcp4");
  damaged[8]! ^= 1;
  assertEquals(decoded(damaged), "bad-checksum");
});

Deno.test("a packet is decoded in the middle of other bytes, and its frame may be longer", () => {
  const inner = one("udp6");
  const bytes = new Uint8Array(inner.length + 20).fill(0xff);
  bytes.set(inner, 7);
  const packet = new Packet(bytes);
  assertEquals(packet.decode(7, bytes.length, false), "ok");
  assertEquals([packet.at, packet.sourceAt, packet.end], [7, 15, 7 + inner.length]);
});

Deno.test("property: a checksum written by the dumb twin holds, and one wrong byte breaks it", () => {
  const body = fc.uint8Array({ minLength: 20, maxLength: 60 });
  fc.assert(fc.property(body, fc.boolean(), fc.nat(), fc.integer({ min: 1, max: 254 }), (
    upper,
    ipv4,
    where,
    change,
  ) => {
    const header = (ipv4 ? one("tcp4") : one("tcp6")).slice(0, ipv4 ? 20 : 40);
    const bytes = new Uint8Array([...header, ...upper]);
    set16(bytes, ipv4 ? 2 : 4, ipv4 ? bytes.length : upper.length);
    if (ipv4) {
      set16(bytes, 10, 0);
      set16(bytes, 10, complement(referenceSum(bytes, 0, 20)));
    }
    set16(bytes, header.length + 16, 0);
    const [from, to] = ipv4 ? [12, 16] : [8, 24];
    const sum = referenceUpperSum({
      source: bytes.slice(from, to),
      destination: bytes.slice(to, header.length),
      protocol: TCP,
      bytes: bytes.slice(header.length),
    });
    set16(bytes, header.length + 16, complement(sum));
    const packet = decode(bytes);
    assert(packet.transportChecksumHolds(packet.payloadAt, packet.end));
    bytes[header.length + where % upper.length]! += change;
    assert(!packet.transportChecksumHolds(packet.payloadAt, packet.end));
  }));
});
