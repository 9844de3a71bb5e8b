import { assert, assertEquals } from "@std/assert";
import { measureFor } from "./latencies.ts";

Deno.test("latencies: the total counts what the warm-up did, the count does not", () => {
  let calls = 0;
  const { count, total } = measureFor(0.01, () => {
    calls++;
  });
  assertEquals(total, calls);
  assert(count < total);
});
