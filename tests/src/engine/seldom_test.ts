import { assertEquals } from "@std/assert";
import { Seldom } from "../../../src/engine/seldom.ts";

Deno.test("the first is due at once, the next when its time has come", () => {
  const seldom = new Seldom(100);
  const due = [0, 1, 99, 100, 150, 199, 500].filter((now) => seldom.isDue(now));
  assertEquals(due, [0, 100, 500]);
});
