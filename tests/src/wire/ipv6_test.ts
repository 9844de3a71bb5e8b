import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { get16 } from "../../../src/bytes.ts";
import {
  checkIpv6,
  ExtensionWalk,
  FRAGMENT,
  IPV6_HOP_LIMIT,
  IPV6_NEXT_HEADER,
  NO_NEXT_HEADER,
  writeIpv6,
} from "../../../src/wire/ipv6.ts";
import { ICMPV6, TCP, UDP } from "../../../src/wire/protocol.ts";
import { captured, plainPackets } from "../../vectors/packets/packets.ts";

const HOP_BY_HOP = 0;
const ROUTING = 43;
const AUTHENTICATION = 51;
const DESTINATION_OPTIONS = 60;

/** A packet of extension headers, each of 8 bytes unless it says otherwise, and 8 bytes of payload. */
function packet(first: number, ...extensions: number[][]): Uint8Array {
  const bytes = new Uint8Array(40 + extensions.reduce((sum, one) => sum + one.length, 0) + 8);
  writeIpv6(bytes, 0, first, bytes.length - 40, 64);
  let at = 40;
  for (const extension of extensions) {
    bytes.set(extension, at);
    at += extension.length;
  }
  return bytes;
}

function extension(next: number, length = 0, size = 8): number[] {
  return [next, length, ...new Array(size - 2).fill(0)];
}

function walk(bytes: Uint8Array, end = bytes.length): ExtensionWalk | undefined {
  const walked = new ExtensionWalk();
  return walked.walk(bytes, 0, end) ? walked : undefined;
}

Deno.test("what Linux sends passes, and is refused when cut off", () => {
  const six = plainPackets.filter(({ bytes }) => bytes[0]! >> 4 === 6);
  assert(six.length > 10);
  for (const { name, bytes } of six) {
    assert(checkIpv6(bytes, 0, bytes.length), name);
    assert(!checkIpv6(bytes, 0, bytes.length - 1), name);
    assert(walk(bytes) !== undefined, name);
  }
  assert(!checkIpv6(captured(plainPackets, "ping4")[0]!, 0, 84));
});

Deno.test("without extension headers the walk ends where it begins", () => {
  const walked = walk(packet(TCP))!;
  assertEquals([walked.protocol, walked.payloadAt, walked.fragmentAt], [TCP, 40, -1]);
});

Deno.test("hop-by-hop, routing and destination options are walked, as Linux writes them too", () => {
  const bytes = packet(
    HOP_BY_HOP,
    extension(ROUTING),
    extension(DESTINATION_OPTIONS, 1, 16),
    extension(UDP),
  );
  const walked = walk(bytes)!;
  assertEquals([walked.protocol, walked.payloadAt], [UDP, 40 + 8 + 16 + 8]);
  const [captive] = captured(plainPackets, "extensions6");
  assertEquals([walk(captive!)!.protocol, walk(captive!)!.payloadAt], [UDP, 56]);
});

Deno.test("an authentication header counts its length in words, less two", () => {
  const walked = walk(packet(AUTHENTICATION, extension(TCP, 4, 24)))!;
  assertEquals([walked.protocol, walked.payloadAt], [TCP, 64]);
});

Deno.test("the walk stops behind a fragment header, and says what announced it", () => {
  const more = [ICMPV6, 0, 0, 1, 0, 0, 0, 7];
  const walked = walk(packet(DESTINATION_OPTIONS, extension(FRAGMENT), more))!;
  assertEquals([walked.fragmentAt, walked.nextHeaderAt], [48, 40]);
  assertEquals([walked.protocol, walked.payloadAt], [ICMPV6, 56]);
  // What looks like a further extension header is payload of the piece.
  const piece = [DESTINATION_OPTIONS, 0, 0, 8, 0, 0, 0, 7];
  assertEquals(walk(packet(FRAGMENT, piece))!.protocol, DESTINATION_OPTIONS);
  assertEquals(walk(packet(FRAGMENT, piece))!.nextHeaderAt, IPV6_NEXT_HEADER);
});

Deno.test("an atomic fragment is whole: the walk goes on (RFC 6946)", () => {
  const atomic = [DESTINATION_OPTIONS, 0, 0, 0, 0, 0, 0, 7];
  const walked = walk(packet(FRAGMENT, atomic, extension(UDP)))!;
  assertEquals([walked.protocol, walked.payloadAt, walked.fragmentAt], [UDP, 56, 40]);
});

Deno.test("headers that leave the packet, or are too many, are refused", () => {
  assertEquals(walk(packet(HOP_BY_HOP, extension(TCP, 2))), undefined);
  assertEquals(walk(packet(HOP_BY_HOP), 47), undefined);
  assertEquals(walk(packet(FRAGMENT), 47), undefined);
  const eight = new Array(8).fill(extension(DESTINATION_OPTIONS));
  assertEquals(walk(packet(DESTINATION_OPTIONS, ...eight.slice(1), extension(TCP)))!.protocol, TCP);
  assertEquals(walk(packet(DESTINATION_OPTIONS, ...eight, extension(TCP))), undefined);
});

Deno.test("no next header is what it says", () => {
  assertEquals(walk(packet(HOP_BY_HOP, extension(NO_NEXT_HEADER)))!.protocol, NO_NEXT_HEADER);
});

Deno.test("a walk forgets the one before it", () => {
  const walked = new ExtensionWalk();
  const pieces = packet(FRAGMENT, [UDP, 0, 0, 1, 0, 0, 0, 7]);
  assert(walked.walk(pieces, 0, pieces.length) && walked.fragmentAt === 40);
  const plain = packet(TCP);
  assert(walked.walk(plain, 0, plain.length) && walked.fragmentAt === -1);
});

Deno.test("property: what is written checks and reads back", () => {
  const args = [fc.nat(255), fc.nat(2000), fc.nat(255)] as const;
  fc.assert(fc.property(...args, (next, length, hopLimit) => {
    const bytes = new Uint8Array(2 + 40 + length).fill(0xee);
    writeIpv6(bytes, 2, next, length, hopLimit);
    assert(checkIpv6(bytes, 2, bytes.length));
    assertEquals([get16(bytes, 6), bytes[2 + IPV6_NEXT_HEADER]], [length, next]);
    assertEquals([bytes[2 + IPV6_HOP_LIMIT], bytes[1], bytes[10]], [hopLimit, 0xee, 0xee]);
  }));
});

Deno.test("property: whatever follows the fixed header, the walk ends inside the packet", () => {
  const kinds = [HOP_BY_HOP, ROUTING, FRAGMENT, AUTHENTICATION, DESTINATION_OPTIONS, TCP];
  const body = fc.array(fc.oneof(fc.constantFrom(...kinds, 1, 2), fc.nat(255)), { maxLength: 120 });
  fc.assert(
    fc.property(fc.constantFrom(...kinds), body, (first, rest) => {
      const bytes = new Uint8Array([...packet(first).slice(0, 40), ...rest]);
      const walked = walk(bytes);
      if (walked === undefined) return;
      assert(walked.payloadAt >= 40 && walked.payloadAt <= bytes.length);
      assert(walked.fragmentAt === -1 || walked.fragmentAt + 8 <= walked.payloadAt);
    }),
    { numRuns: 500 },
  );
});
