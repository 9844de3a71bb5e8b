import { assertEquals, assertMatch, assertThrows } from "@std/assert";
import fc from "fast-check";
import {
  formatDuration,
  formatSize,
  parseDuration,
  parseSize,
  ValueError,
} from "../../../src/config/units.ts";

Deno.test("durations have units, falling", () => {
  assertEquals(parseDuration("500ms"), 500);
  assertEquals(parseDuration("5s"), 5_000);
  assertEquals(parseDuration("2m"), 120_000);
  assertEquals(parseDuration("2h30m"), 9_000_000);
  assertEquals(parseDuration("1d1h1m1s1ms"), 90_061_001);
  assertEquals(parseDuration("1.5s"), 1_500);
  assertEquals(parseDuration("0s"), 0);
});

Deno.test("a bare number is no duration, and the hint says how to write it", () => {
  const { hint } = assertThrows(() => parseDuration("5"), ValueError, "needs a unit");
  assertMatch(hint ?? "", /^5s /);
});

Deno.test("what is no duration", () => {
  for (const text of ["", "s", "5 s", "-5s", "5x", "30m2h", "5s5s", "1e3s", "5s ", "५s", "5S"]) {
    assertThrows(() => parseDuration(text), ValueError, undefined, text);
  }
});

Deno.test("sizes are bytes unless they have a binary unit", () => {
  assertEquals(parseSize("1500"), 1_500);
  assertEquals(parseSize("10B"), 10);
  assertEquals(parseSize("64KiB"), 65_536);
  assertEquals(parseSize("2GiB"), 2 ** 31);
});

Deno.test("a decimal unit is answered with the binary one", () => {
  const { hint } = assertThrows(() => parseSize("64k"), ValueError);
  assertEquals(hint, "did you mean 64KiB?");
  for (const text of ["", "KiB", "-1", "1.5MiB", "1 MiB", "0x10"]) {
    assertThrows(() => parseSize(text), ValueError, undefined, text);
  }
});

Deno.test("property: what is printed is read back as the same", () => {
  fc.assert(fc.property(fc.nat(2_000_000_000), (value) => {
    assertEquals(parseDuration(formatDuration(value)), value);
    assertEquals(parseSize(formatSize(value)), value);
  }));
});
