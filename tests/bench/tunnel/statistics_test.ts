import { assertEquals } from "@std/assert";
import { median, quantile, spread } from "./statistics.ts";

Deno.test("median: the middle value, or the mean of two", () => {
  assertEquals(median([3, 1, 2]), 2);
  assertEquals(median([4, 1, 3, 2]), 2.5);
  assertEquals(median([7]), 7);
  assertEquals(median([]), NaN);
});

Deno.test("spread: the range as a share of the median; one value has none", () => {
  assertEquals(spread([90, 100, 110]), 0.2);
  assertEquals(spread([5, 5, 5]), 0);
  assertEquals(spread([5]), 0);
});

Deno.test("quantile: the value that the share does not exceed", () => {
  const sorted = Float64Array.from({ length: 100 }, (_, at) => at + 1);
  assertEquals(quantile(sorted, 0.5), 50);
  assertEquals(quantile(sorted, 0.99), 99);
  assertEquals(quantile(sorted, 1), 100);
  assertEquals(quantile([8], 0.01), 8);
  assertEquals(quantile([], 0.5), NaN);
});
