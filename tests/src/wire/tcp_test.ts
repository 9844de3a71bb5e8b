import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { set16, set32 } from "../../../src/bytes.ts";
import {
  ACK,
  FIN,
  MOST_SACK_BLOCKS,
  PSH,
  SYN,
  TCP_FLAGS,
  TCP_HEADER,
  TCP_OFFSET,
  TcpSegment,
  TIMESTAMPS_LENGTH,
  writeSackHeader,
  writeSynOptions,
  writeTimestamps,
} from "../../../src/wire/tcp.ts";
import { captured, plainPackets } from "../../vectors/packets/packets.ts";

function decode(bytes: Uint8Array, at = 0, end = bytes.length): TcpSegment | undefined {
  const segment = new TcpSegment();
  return segment.decode(bytes, at, end) ? segment : undefined;
}

/** A header with these octets of options, padded with zeros to whole words. */
function withOptions(...options: number[]): Uint8Array {
  const length = Math.ceil(options.length / 4) * 4;
  const bytes = new Uint8Array(TCP_HEADER + length);
  bytes[TCP_OFFSET] = ((TCP_HEADER + length) / 4) << 4;
  bytes.set(options, TCP_HEADER);
  return bytes;
}

Deno.test("a connection as Linux makes it, over both families", () => {
  for (const [name, at, mss] of [["tcp4", 20, 1460], ["tcp6", 40, 1440]] as const) {
    const [syn, ack, data, fin] = captured(plainPackets, name).map((bytes) => decode(bytes, at)!);
    assertEquals([syn!.flags, syn!.mss, syn!.windowShift, syn!.sackPermitted], [
      SYN,
      mss,
      10,
      true,
    ]);
    assertEquals([syn!.destinationPort, syn!.length, syn!.hasTimestamps], [80, 1, true]);
    assertEquals([syn!.timestamp > 0, syn!.timestampEcho], [true, 0]);
    assertEquals([ack!.flags, ack!.length, ack!.mss, ack!.windowShift], [ACK, 0, 0, -1]);
    assertEquals(ack!.sequence, (syn!.sequence + 1) >>> 0);
    assertEquals([data!.flags, data!.dataEnd - data!.dataAt, data!.length], [ACK | PSH, 5, 5]);
    assertEquals([fin!.flags, fin!.length], [ACK | FIN, 1]);
    assertEquals(fin!.sequence, (data!.sequence + 5) >>> 0);
  }
});

Deno.test("headers that are cut off, or lie about their length, are refused", () => {
  const bytes = withOptions();
  assert(decode(bytes) !== undefined);
  assertEquals(decode(bytes, 0, 19), undefined);
  bytes[TCP_OFFSET] = 4 << 4;
  assertEquals(decode(bytes), undefined);
  bytes[TCP_OFFSET] = 6 << 4;
  assertEquals(decode(bytes), undefined);
});

Deno.test("options in any order, with padding, and some that nobody knows", () => {
  const segment = decode(withOptions(
    ...[1, 3, 3, 7, 254, 4, 9, 9, 1, 1, 8, 10, 0, 0, 1, 0, 0, 0, 2, 0],
    ...[4, 2, 2, 4, 5, 0xb4, 0, 2, 4, 1, 1],
  ))!;
  assertEquals([segment.windowShift, segment.mss, segment.sackPermitted], [7, 0x5b4, true]);
  assertEquals([segment.timestamp, segment.timestampEcho], [256, 512]);
});

Deno.test("an option of the wrong length counts as not there; one that never ends stops the walk", () => {
  assertEquals(decode(withOptions(2, 3, 5, 2, 4, 1, 1))!.mss, 257);
  assertEquals(decode(withOptions(254, 0, 2, 4, 1, 1))!.mss, 0);
  assertEquals(decode(withOptions(254, 1, 2, 4, 1, 1))!.mss, 0);
  assertEquals(decode(withOptions(1, 1, 1, 2))!.mss, 0);
  assertEquals(decode(withOptions(2, 4, 5))!.mss, 0x500, "the padding belongs to the header");
  assertEquals(decode(withOptions(1, 1, 2, 4))!.mss, 0, "the option leaves the header");
  assertEquals(decode(withOptions(5, 9, 1, 2, 3, 4, 5, 6, 7))!.sackBlocks, 0);
});

Deno.test("a shift beyond 14 is read as 14 (RFC 7323, 2.3)", () => {
  assertEquals(decode(withOptions(3, 3, 14))!.windowShift, 14);
  assertEquals(decode(withOptions(3, 3, 255))!.windowShift, 14);
  assertEquals(decode(withOptions(3, 3, 0))!.windowShift, 0);
});

Deno.test("a segment forgets the one before it", () => {
  const segment = new TcpSegment();
  const rich = withOptions(2, 4, 1, 1, 3, 3, 7, 4, 2, 8, 10, 0, 0, 0, 1, 0, 0, 0, 2);
  const sacked = withOptions(1, 1, 5, 10, 0, 0, 0, 1, 0, 0, 0, 2);
  const timed = withOptions(1, 1, 8, 10, 0, 0, 0, 3, 0, 0, 0, 4);
  for (const next of [withOptions(), timed, sacked]) {
    assert(segment.decode(rich, 0, rich.length) && segment.mss === 257);
    segment.decode(next, 0, next.length);
    assertEquals([segment.mss, segment.windowShift, segment.sackPermitted], [0, -1, false]);
    assertEquals(segment.hasTimestamps, next === timed);
    assertEquals(segment.sackBlocks, next === sacked ? 1 : 0);
  }
});

Deno.test("property: the options of a SYN read back as they were written", () => {
  const word = fc.nat(0xffff_ffff);
  const shift = fc.integer({ min: -1, max: 14 });
  const args = [fc.integer({ min: 1, max: 0xffff }), shift, fc.boolean(), fc.boolean(), word, word];
  fc.assert(fc.property(
    ...args as [
      fc.Arbitrary<number>,
      fc.Arbitrary<number>,
      fc.Arbitrary<boolean>,
      fc.Arbitrary<boolean>,
      fc.Arbitrary<number>,
      fc.Arbitrary<number>,
    ],
    (mss, windowShift, sack, timestamps, value, echo) => {
      const bytes = new Uint8Array(61).fill(0xee);
      const end = writeSynOptions(
        bytes,
        TCP_HEADER,
        mss,
        windowShift,
        sack,
        timestamps,
        value,
        echo,
      );
      assertEquals([end % 4, bytes[end]], [0, 0xee]);
      bytes[TCP_OFFSET] = (end / 4) << 4;
      const segment = decode(bytes, 0, 60)!;
      assertEquals([segment.mss, segment.windowShift], [mss, windowShift]);
      assertEquals([segment.sackPermitted, segment.hasTimestamps], [sack, timestamps]);
      if (timestamps) assertEquals([segment.timestamp, segment.timestampEcho], [value, echo]);
      assertEquals(segment.dataAt, end);
    },
  ));
});

Deno.test("property: SACK blocks beside timestamps read back; four at most", () => {
  const edges = fc.array(fc.nat(0xffff_ffff), { minLength: 1, maxLength: 6 });
  fc.assert(fc.property(edges, fc.boolean(), (all, timestamps) => {
    const pairs = all.slice(0, timestamps ? 6 : 8);
    const blocks = Math.ceil(pairs.length / 2);
    const bytes = new Uint8Array(60);
    let at = TCP_HEADER;
    if (timestamps) {
      writeTimestamps(bytes, at, 1, 2);
      at += TIMESTAMPS_LENGTH;
    }
    at = writeSackHeader(bytes, at, blocks);
    for (let i = 0; i < 2 * blocks; i++, at += 4) set32(bytes, at, pairs[i] ?? 0);
    bytes[TCP_OFFSET] = (at / 4) << 4;
    const segment = decode(bytes, 0, at)!;
    assertEquals([segment.sackBlocks, segment.hasTimestamps], [blocks, timestamps]);
    assert(segment.sackBlocks <= MOST_SACK_BLOCKS);
    assertEquals([...segment.sack.slice(0, pairs.length)], pairs);
  }));
});

Deno.test("property: any header of any bytes decodes into itself or not at all", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 90 }), fc.nat(0xffff), (bytes, ports) => {
      if (bytes.length >= TCP_HEADER) set16(bytes, TCP_OFFSET, 0x5000 | (ports & 0xafff));
      const segment = decode(bytes);
      if (segment === undefined) return;
      assert(segment.dataAt >= TCP_HEADER && segment.dataAt <= bytes.length);
      assertEquals(segment.dataEnd, bytes.length);
      assertEquals([segment.flags, segment.sequence >= 0], [bytes[TCP_FLAGS], true]);
      assert(segment.sackBlocks <= MOST_SACK_BLOCKS && segment.windowShift <= 14);
    }),
    { numRuns: 500 },
  );
});
