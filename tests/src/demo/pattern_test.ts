import { assertEquals } from "@std/assert";
import { PATTERN_CHUNK, PatternCheck, patternOf } from "../../../src/demo/pattern.ts";

Deno.test("the pattern is i mod 251, at every length", () => {
  for (const length of [0, 1, 250, 251, 252, 1000]) {
    assertEquals(patternOf(length), new Uint8Array(length).map((_, i) => i % 251));
  }
  assertEquals(PATTERN_CHUNK.length % 251, 0);
});

Deno.test("a check follows pieces of any size, and notices loss, doubling and change", () => {
  const check = new PatternCheck();
  const bytes = patternOf(2000);
  for (const [from, to] of [[0, 1], [1, 700], [700, 700], [700, 2000]] as const) {
    check.add(bytes.subarray(from, to));
  }
  assertEquals([check.bytes, check.intact], [2000, true]);
  check.add(bytes.subarray(1999));
  assertEquals([check.bytes, check.intact], [2001, false]);
});
