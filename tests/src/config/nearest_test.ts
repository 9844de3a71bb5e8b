import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { editDistance, nearest } from "../../../src/config/nearest.ts";

Deno.test("nearest finds slips of the keys", () => {
  const words = ["exec", "up", "socks", "status"];
  assertEquals(nearest("exce", words), "exec");
  assertEquals(nearest("sock", words), "socks");
  assertEquals(nearest("STATUS", words), "status");
  assertEquals(nearest("ip", words), "up");
  assertEquals(nearest("frobnicate", words), undefined);
  assertEquals(nearest("x".repeat(10_000), words), undefined);
  assertEquals(nearest("", words), undefined);
});

Deno.test("nearest takes a beginning, if only one word begins so", () => {
  assertEquals(nearest("password", ["password-file", "mtu"]), "password-file");
  assertEquals(nearest("max", ["max-tcp-flows", "max-half-open"]), undefined);
  assertEquals(nearest("pa", ["password-file"]), undefined);
});

Deno.test("editDistance counts a swap of neighbours once", () => {
  assertEquals(editDistance("exec", "exce"), 1);
  assertEquals(editDistance("", "abc"), 3);
  assertEquals(editDistance("kitten", "sitting"), 3);
});

Deno.test("property: editDistance is symmetric, zero for equals only, bounded by the longer", () => {
  const word = fc.string({ maxLength: 12 });
  fc.assert(fc.property(word, word, (a, b) => {
    const distance = editDistance(a, b);
    assertEquals(distance, editDistance(b, a));
    assertEquals(distance === 0, a === b);
    assertEquals(distance <= Math.max(a.length, b.length), true);
  }));
});
