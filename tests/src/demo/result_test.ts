import { assertEquals } from "@std/assert";
import { type Check, expect, NotChecked, runCheck, type Seen } from "../../../src/demo/result.ts";

async function resultOf(run: () => Promise<Seen>, more: Partial<Check> = {}) {
  const { milliseconds: _, ...result } = await runCheck({ name: "it", ...more, run });
  return result;
}

Deno.test("a check holds, fails, or could not be looked at", async () => {
  assertEquals(await resultOf(() => Promise.resolve("all of it")), {
    name: "it",
    result: "ok",
    seen: "all of it",
  });
  assertEquals(await resultOf(() => Promise.resolve({ seen: "fast", bitsPerSecond: 5 })), {
    name: "it",
    result: "ok",
    seen: "fast",
    bitsPerSecond: 5,
  });
  const failing = () =>
    Promise.resolve().then(() => {
      expect(false, "half of it");
      return "";
    });
  assertEquals(await resultOf(failing), { name: "it", result: "fail", seen: "half of it" });
  assertEquals(await resultOf(() => Promise.reject(new NotChecked("no moon"))), {
    name: "it",
    result: "skip",
    seen: "not checked: no moon",
  });
});

Deno.test("a check that does not end has failed when the patience is over", async () => {
  const never = () => new Promise<Seen>(() => {});
  assertEquals(await resultOf(never, { patience: 10 }), {
    name: "it",
    result: "fail",
    seen: "nothing within 0.01 s",
  });
});
