import { assertEquals } from "@std/assert";
import { rotated } from "./runner.ts";

Deno.test("runner: each round begins with another variant", () => {
  const names = ["a", "b", "c"];
  assertEquals([0, 1, 2, 3].map((round) => rotated(names, round).join("")), [
    "abc",
    "bca",
    "cab",
    "abc",
  ]);
  assertEquals(rotated([], 2), []);
});
