import { assertEquals } from "@std/assert";
import type { Comparison } from "./compare.ts";
import { table, tally } from "./table.ts";

const same: Comparison = {
  name: "parse",
  nanoseconds: 12.34,
  cost: 6,
  spread: 0.04,
  baseline: 11,
  ratio: 1.12,
  verdict: "same",
};
const unknown: Comparison = {
  ...same,
  name: "checksum of a payload",
  nanoseconds: 32_020.4,
  baseline: undefined,
  ratio: undefined,
  verdict: "new",
};

Deno.test("names stand to the left and numbers to the right", () => {
  assertEquals(table([same, unknown]), [
    "bench                     ns  baseline  ratio  spread  verdict",
    "parse                   12.3      11.0   1.12     4 %  same",
    "checksum of a payload  32020         -      -     4 %  new",
  ]);
});

Deno.test("the last line counts the verdicts", () => {
  assertEquals(tally([same, unknown, same]), "3 benches: 2 same, 1 new");
});
