import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { get16, set16 } from "../../../src/bytes.ts";
import {
  checkIpv4,
  IPV4_DESTINATION,
  IPV4_DONT_FRAGMENT,
  IPV4_FRAGMENT,
  IPV4_ID,
  IPV4_MORE_FRAGMENTS,
  IPV4_PROTOCOL,
  IPV4_SOURCE,
  IPV4_TTL,
  ipv4ChecksumHolds,
  writeIpv4,
} from "../../../src/wire/ipv4.ts";
import { captured, plainPackets } from "../../vectors/packets/packets.ts";

function header(hex: string): Uint8Array {
  const bytes = new Uint8Array(64);
  bytes.set(Uint8Array.fromHex(hex));
  return bytes;
}

Deno.test("what Linux sends passes", () => {
  for (const { name, bytes } of plainPackets.filter(({ bytes }) => bytes[0]! >> 4 === 4)) {
    const length = checkIpv4(bytes, 0, bytes.length);
    assertEquals(length, name === "router-alert4" ? 24 : 20, name);
    assert(ipv4ChecksumHolds(bytes, 0, length), name);
    assertEquals(checkIpv4(bytes, 0, bytes.length - 1), -1, name);
  }
});

Deno.test("headers that lie are refused, at any offset", () => {
  const sane = "45000014000000004006000001020304";
  assertEquals(checkIpv4(header(sane), 0, 20), 20);
  assertEquals(checkIpv4(header(`ffff${sane}`), 2, 22), 20);
  assertEquals(checkIpv4(header(sane), 0, 64), 20, "trailing bytes belong to the frame");
  assertEquals(checkIpv4(header(sane), 0, 19), -1, "cut off");
  assertEquals(checkIpv4(header("65000014"), 0, 20), -1, "version 6");
  assertEquals(checkIpv4(header("44000014"), 0, 20), -1, "a header of 16 bytes");
  assertEquals(checkIpv4(header("46000014"), 0, 24), -1, "a packet shorter than its header");
  assertEquals(checkIpv4(header("45000015"), 0, 20), -1, "a packet longer than the frame");
  assertEquals(checkIpv4(header("4f00003c"), 0, 60), 60, "the longest header");
  assertEquals(checkIpv4(header("4f00003c"), 0, 59), -1, "the longest header, cut off");
});

Deno.test("one wrong bit breaks the checksum", () => {
  const [ping] = captured(plainPackets, "ping4");
  for (let bit = 0; bit < 160; bit++) {
    const bytes = ping!.slice();
    bytes[bit >> 3]! ^= 1 << (bit & 7);
    assert(!ipv4ChecksumHolds(bytes, 0, 20), `bit ${bit}`);
  }
});

Deno.test("property: what is written checks, and reads back; addresses are left alone", () => {
  const word = fc.nat(0xffff);
  const octet = fc.nat(255);
  const length = fc.integer({ min: 20, max: 0xffff });
  const addresses = fc.uint8Array({ minLength: 8, maxLength: 8 });
  fc.assert(fc.property(octet, length, word, word, octet, addresses, (...values) => {
    const [protocol, total, id, fragment, ttl, both] = values;
    const at = 3;
    const bytes = new Uint8Array(at + total).fill(0xee);
    bytes.set(both, at + IPV4_SOURCE);
    writeIpv4(bytes, at, protocol, total, id, fragment, ttl);
    assertEquals(checkIpv4(bytes, at, bytes.length), 20);
    assert(ipv4ChecksumHolds(bytes, at, 20));
    assertEquals([bytes[at + IPV4_PROTOCOL], bytes[at + IPV4_TTL]], [protocol, ttl]);
    assertEquals([get16(bytes, at + IPV4_ID), get16(bytes, at + IPV4_FRAGMENT)], [id, fragment]);
    assertEquals(bytes.slice(at + IPV4_SOURCE, at + IPV4_DESTINATION + 4), both);
    assertEquals(bytes[at - 1], 0xee);
  }));
});

Deno.test("flags stand where the fragments of Linux have them", () => {
  const [first, , last] = captured(plainPackets, "ping4-fragments");
  assertEquals(get16(first!, IPV4_FRAGMENT), IPV4_MORE_FRAGMENTS);
  assertEquals(get16(last!, IPV4_FRAGMENT) & IPV4_MORE_FRAGMENTS, 0);
  const [whole] = captured(plainPackets, "ping4");
  assertEquals(get16(whole!, IPV4_FRAGMENT), IPV4_DONT_FRAGMENT);
  set16(whole!, IPV4_FRAGMENT, 0);
  assert(!ipv4ChecksumHolds(whole!, 0, 20));
});
