import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { Latency } from "../../../src/dns/latency.ts";

Deno.test("nothing measured is all zeros", () => {
  const { count, last, min, max, mean } = new Latency();
  assertEquals({ count, last, min, max, mean }, { count: 0, last: 0, min: 0, max: 0, mean: 0 });
  assertEquals(new Latency().percentile(0.5), 0);
});

Deno.test("buckets double", () => {
  const latency = new Latency();
  for (const value of [0, 0.9, 1, 1.9, 2, 3.9, 4, 32_767, 32_768, 1e9, -1]) latency.add(value);
  const counts = Array.from({ length: latency.buckets }, (_, i) => latency.bucket(i));
  assertEquals(counts.slice(0, 5), [3, 2, 2, 1, 0]);
  assertEquals(counts.slice(-3), [0, 1, 2]);
  assertEquals(latency.last, 0);
  assertEquals(latency.max, 1e9);
});

Deno.test("property: figures agree with the list of all values", () => {
  const times = fc.array(fc.oneof(fc.nat(640).map((n) => n / 64), fc.nat(60_000)), {
    minLength: 1,
  });
  const share = fc.nat(1000).map((n) => n / 1000);
  fc.assert(fc.property(times, share, (values, fraction) => {
    const latency = new Latency();
    for (const value of values) latency.add(value);
    const sorted = values.toSorted((a, b) => a - b);
    assertEquals(latency.count, values.length);
    assertEquals(latency.min, sorted[0]);
    assertEquals(latency.max, sorted.at(-1));
    const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
    assert(Math.abs(latency.mean - mean) <= 1e-6 * (1 + mean));
    const truth = sorted[Math.max(1, Math.ceil(fraction * values.length)) - 1]!;
    const told = latency.percentile(fraction);
    assert(told >= truth, `${told} is below ${truth}`);
    assert(told <= Math.max(1, 2 * truth) || told === latency.max && truth >= 2 ** 15);
  }));
});
