import { assert } from "@std/assert";
import { suspendedMs } from "../../ffi/suspend_linux.ts";

Deno.test("a machine that does not sleep has slept as long as before", () => {
  const before = suspendedMs();
  const after = suspendedMs();
  assert(Math.abs(after - before) < 1000, `${before} → ${after}`);
});
