import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import { Cubic, NewReno } from "../../../../src/stack/tcp/congestion.ts";

const MSS = 1_000;

Deno.test("congestion: the first window is ten segments, or about 15 KB (RFC 6928)", () => {
  for (const [mss, window] of [[500, 5_000], [1_460, 14_600], [9_000, 18_000]] as const) {
    for (const control of [new NewReno(), new Cubic()]) {
      control.setSegment(mss);
      assertEquals(control.window, window);
      control.setSegment(mss - 12);
      assertEquals(control.window, window, "only the first time");
    }
  }
});

Deno.test("newreno: slow start doubles, avoidance adds one segment per window (RFC 5681, 3.1)", () => {
  const control = new NewReno();
  control.setSegment(MSS);
  control.acknowledged(10_000, 0, 10);
  assertEquals(control.window, 20_000);
  control.lost(20_000);
  assertEquals(control.window, 10_000);
  control.acknowledged(9_999, 0, 10);
  assertEquals(control.window, 10_000);
  control.acknowledged(1, 0, 10);
  assertEquals(control.window, 11_000);
});

Deno.test("newreno: after a timeout one segment, and slow start up to half of what was out", () => {
  const control = new NewReno();
  control.setSegment(MSS);
  control.acknowledged(30_000, 0, 10);
  control.timedOut(40_000, false);
  assertEquals(control.window, MSS);
  control.timedOut(1_000, true);
  control.acknowledged(30_000, 0, 10);
  assertEquals(control.window, 20_000, "a second timeout for the same does not halve again");
});

Deno.test("newreno: a loss never makes the window larger, however much SACK had reported", () => {
  const control = new NewReno();
  control.setSegment(MSS);
  control.lost(90_000);
  assertEquals(control.window, 5_000);
});

Deno.test("newreno: never below two segments (RFC 5681, equation 4)", () => {
  const control = new NewReno();
  control.setSegment(MSS);
  control.lost(1_000);
  assertEquals(control.window, 2 * MSS);
});

/** Acknowledges whole windows every `rtt` ms from `from` to `to`, and tells the window at the end. */
function run(control: Cubic, from: number, to: number, rtt: number): number {
  for (let now = from; now < to; now += rtt) control.acknowledged(control.window, now, rtt);
  return control.window / MSS;
}

Deno.test("cubic: a loss takes 30 %, and K later the old window is back (RFC 9438, 4.2 and 4.6)", () => {
  const control = new Cubic();
  control.setSegment(MSS);
  control.acknowledged(490_000, 0, 50);
  assertEquals(control.window, 500_000);
  control.lost(500_000);
  assertAlmostEquals(control.window, 350_000, 1);
  const k = Math.cbrt(500 * 0.3 / 0.4) * 1_000;
  const half = run(control, 0, k / 2, 50);
  // Concave: most of the way in the first half, then flat around the old window, then convex.
  assert(half > 465 && half < 495, `${half} at K/2`);
  const back = run(control, k / 2, k, 50);
  assertAlmostEquals(back, 500, 5);
  const later = run(control, k, 2 * k, 50);
  assert(later > 600, `${later} at 2K`);
});

Deno.test("cubic: where Reno would be faster it is as fast as Reno (RFC 9438, 4.3)", () => {
  const control = new Cubic();
  control.setSegment(MSS);
  control.acknowledged(10_000, 0, 1);
  control.lost(20_000);
  assertEquals(control.window, 14_000);
  const after = run(control, 0, 100, 1);
  // A hundred round trips of one millisecond: about 0.53 segments each up to the old window, then one.
  assert(after > 80 && after < 110, `${after} segments`);
});

Deno.test("cubic: a window that shrinks twice leaves room (RFC 9438, 4.7)", () => {
  const grown = new Cubic();
  grown.setSegment(MSS);
  grown.acknowledged(990_000, 0, 100);
  grown.lost(1_000_000);
  grown.lost(700_000);
  assertAlmostEquals(grown.window, 490_000, 1);
  // The second time it aims at 0.85 of 700, not at 700.
  const regained = run(grown, 0, 1_000 * Math.cbrt((595 - 490) / 0.4), 100);
  assertAlmostEquals(regained, 595, 6);
});

Deno.test("cubic: a timeout is one segment, then slow start up to 70 %", () => {
  const control = new Cubic();
  control.setSegment(MSS);
  control.acknowledged(90_000, 0, 10);
  control.timedOut(100_000, false);
  assertEquals(control.window, MSS);
  control.acknowledged(69_000, 0, 10);
  assertAlmostEquals(control.window, 70_000, 1);
});

Deno.test("cubic: a jump of the clock does not make the window explode", () => {
  const control = new Cubic();
  control.setSegment(MSS);
  control.acknowledged(90_000, 0, 10);
  control.lost(100_000);
  control.acknowledged(MSS, 0, 10);
  const before = control.window;
  control.acknowledged(control.window, 86_400_000, 10);
  assert(control.window <= 1.5 * before + 1);
});
