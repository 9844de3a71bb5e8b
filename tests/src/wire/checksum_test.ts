import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { addWords, complement, fold, pseudoHeader } from "../../../src/wire/checksum.ts";
import { referenceSum, referenceUpperSum } from "../../reference/checksum.ts";

Deno.test("the example of RFC 1071, section 3", () => {
  const bytes = new Uint8Array([0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7]);
  assertEquals(addWords(bytes, 0, 8, 0), 0x2_ddf0);
  assertEquals(fold(0x2_ddf0), 0xddf2);
  assertEquals(complement(0x2_ddf0), 0x220d);
});

Deno.test("an IPv4 header as it is in every textbook", () => {
  const header = Uint8Array.fromHex("45000073000040004011b861c0a80001c0a800c7");
  assertEquals(fold(addWords(header, 0, 20, 0)), 0xffff);
  header.fill(0, 10, 12);
  assertEquals(complement(addWords(header, 0, 20, 0)), 0xb861);
});

Deno.test("folding goes on until nothing is carried, beyond 32 bits too", () => {
  assertEquals(fold(0), 0);
  assertEquals(fold(0xffff), 0xffff);
  assertEquals(fold(0x1_ffff), 1);
  assertEquals(fold(0xffff_ffff), 0xffff);
  assertEquals(fold(0x12_3456_789a), 0x12 + 0x3456 + 0x789a);
  assertEquals(complement(0xffff), 0);
});

Deno.test("an odd last byte is the high half of a word", () => {
  const bytes = new Uint8Array([0xff, 0x12, 0x34, 0x56, 0xff]);
  assertEquals(addWords(bytes, 1, 4, 0), 0x1234 + 0x5600);
  assertEquals(addWords(bytes, 1, 1, 7), 7);
});

Deno.test("the largest packet of the largest words stays exact", () => {
  const bytes = new Uint8Array(65_535).fill(0xff);
  assertEquals(addWords(bytes, 0, bytes.length, 0xffff), 32_767 * 0xffff + 0xff00 + 0xffff);
});

Deno.test("property: the same as word by word, for every length and place", () => {
  const input = fc.uint8Array({ maxLength: 200 });
  fc.assert(fc.property(input, fc.nat(20), fc.nat(0xffff), (bytes, from, start) => {
    const at = Math.min(from, bytes.length);
    // Both forms of zero are the same number in this arithmetic.
    const dumb = referenceSum(bytes, at, bytes.length, start) % 0xffff;
    assertEquals(fold(addWords(bytes, at, bytes.length, start)) % 0xffff, dumb);
  }));
});

Deno.test("property: pseudo-headers of both families, for IPv6 with lengths beyond 16 bits", () => {
  const address = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });
  const both = fc.oneof(fc.tuple(address(4), address(4)), fc.tuple(address(16), address(16)));
  fc.assert(
    fc.property(both, fc.nat(255), fc.nat(70_000), ([source, destination], protocol, most) => {
      // IPv4 has no packet that long.
      const n = source.length === 4 ? Math.min(most, 0xffff) : most;
      const lying = new Uint8Array([...source, ...destination]);
      const length = source.length;
      const sum = pseudoHeader(lying, 0, length, length, protocol, n);
      const dumb = referenceUpperSum({ source, destination, protocol, bytes: new Uint8Array(n) });
      assertEquals(fold(sum) % 0xffff, dumb % 0xffff);
    }),
    { numRuns: 50 },
  );
});
