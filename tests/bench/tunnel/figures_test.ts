import { assertEquals } from "@std/assert";
import { describe, showFigure } from "./figures.ts";

Deno.test("figures: three digits that count", () => {
  assertEquals(
    [12345.6, 999.9, 74.46, 9.2, 0.1234, 0, -0.5].map(showFigure),
    ["12346", "1000", "74.5", "9.2", "0.123", "0", "-0.5"],
  );
});

Deno.test("figures: with their unit, where they have one", () => {
  assertEquals(describe("p50"), "p50, µs");
  assertEquals(describe("wakeups"), "wake-ups in 20 s");
});
