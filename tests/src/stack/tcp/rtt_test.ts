import { assertAlmostEquals, assertEquals } from "@std/assert";
import { RttEstimator } from "../../../../src/stack/tcp/rtt.ts";

Deno.test("rtt: one second before the first sample (RFC 6298, 2.1)", () => {
  assertEquals(new RttEstimator().timeout, 1_000);
});

Deno.test("rtt: the numbers of RFC 6298, 2.2 and 2.3", () => {
  const rtt = new RttEstimator();
  rtt.sample(400);
  assertEquals([rtt.smoothed, rtt.timeout], [400, 400 + 4 * 200]);
  rtt.sample(800);
  // Variation: 3/4 of 200 and 1/4 of |400 - 800|; average: 7/8 of 400 and 1/8 of 800.
  assertAlmostEquals(rtt.smoothed, 450);
  assertAlmostEquals(rtt.timeout, 450 + 4 * 250);
});

Deno.test("rtt: a steady path keeps a margin of 200 ms", () => {
  const rtt = new RttEstimator();
  for (let i = 0; i < 200; i++) rtt.sample(150);
  assertAlmostEquals(rtt.timeout, 350);
  const near = new RttEstimator();
  for (let i = 0; i < 200; i++) near.sample(0);
  assertAlmostEquals(near.timeout, 200, 0.1);
});

Deno.test("rtt: backing off doubles, up to a minute, and progress ends it (RFC 6298, 5.5 and 5.7)", () => {
  const rtt = new RttEstimator();
  const seen = Array.from({ length: 8 }, () => {
    rtt.backOff();
    return rtt.timeout;
  });
  assertEquals(seen, [2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000, 60_000]);
  assertEquals(rtt.backoffs, 8);
  rtt.progress();
  assertEquals([rtt.timeout, rtt.backoffs], [1_000, 0]);
  rtt.backOff();
  rtt.sample(10);
  assertEquals(rtt.backoffs, 0);
});
