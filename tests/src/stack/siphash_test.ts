import { assertEquals, assertNotEquals } from "@std/assert";
import { SipHash } from "../../../src/stack/siphash.ts";

const KEY = new Uint8Array([0, 1, 2, 3, 4, 5, 6, 7]);

Deno.test("siphash: the reference implementation's vectors of HalfSipHash-2-4, 32 bits", () => {
  // Input 00 01 02 …, read as little-endian words; outputs for 0 and 4 bytes.
  const words = new Uint32Array([0x0302_0100]);
  const hash = new SipHash(KEY);
  assertEquals(hash.words(words, 0, 0), 0x5b9f_35a9);
  assertEquals(hash.words(words, 0, 1), 0x8946_6e2a);
});

Deno.test("siphash: key, words, order and count all matter; the place does not", () => {
  const words = new Uint32Array([9, 1, 2, 3, 9]);
  const hash = new SipHash(KEY);
  const value = hash.words(words, 1, 3);
  assertEquals(hash.words(new Uint32Array([1, 2, 3]), 0, 3), value);
  assertNotEquals(hash.words(new Uint32Array([2, 1, 3]), 0, 3), value);
  assertNotEquals(hash.words(words, 1, 2), value);
  assertNotEquals(new SipHash(KEY.toReversed()).words(words, 1, 3), value);
});

Deno.test("siphash: neighbours spread evenly over buckets", () => {
  const hash = new SipHash(KEY);
  const buckets = new Array<number>(64).fill(0);
  for (let i = 0; i < 64_000; i++) buckets[hash.words(new Uint32Array([i]), 0, 1) & 63]!++;
  // A thousand each; five standard deviations are 158.
  for (const count of buckets) assertEquals(Math.abs(count - 1_000) < 158, true);
});
