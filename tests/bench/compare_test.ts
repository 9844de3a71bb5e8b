import { assertAlmostEquals, assertEquals } from "@std/assert";
import {
  BOUND,
  compare,
  type Figure,
  missing,
  MOST_SPREAD,
  summarize,
  updated,
} from "./compare.ts";

function figure(name: string, cost: number, spread = 0): Figure {
  return { name, nanoseconds: 2 * cost, cost, spread };
}

/** The verdict on a cost where the baseline's is 100. */
function verdict(cost: number, spread = 0): string {
  return compare([figure("parse", cost, spread)], { parse: 100 })[0]!.verdict;
}

Deno.test("a figure is the median over the rounds, with the spread between the quartiles", () => {
  const rounds = [30, 10, 1_000, 20, 40].map((cost) => [
    { name: "sum of 1460 bytes", nanoseconds: 3 * cost, cost },
    { name: "sum of 40 bytes", nanoseconds: 7, cost: 7 },
  ]);
  assertEquals(summarize(rounds), [
    { name: "sum of 40 bytes", nanoseconds: 7, cost: 7, spread: 0 },
    { name: "sum of 1460 bytes", nanoseconds: 90, cost: 30, spread: 20 / 30 },
  ]);
});

Deno.test("one round that was disturbed changes neither the figure nor its spread much", () => {
  const rounds = [100, 101, 99, 100, 5_000].map((cost) => [{ name: "a", nanoseconds: cost, cost }]);
  const [only] = summarize(rounds);
  assertEquals(only!.cost, 100);
  assertAlmostEquals(only!.spread, 0.01);
});

Deno.test("verdicts go by the ratio to the baseline", () => {
  assertEquals(verdict(100), "same");
  assertEquals(verdict(100 * BOUND), "same");
  assertEquals(verdict(100 * BOUND + 1), "slower");
  assertEquals(verdict(100 / BOUND - 1), "faster");
});

Deno.test("what spreads too much between rounds gets no verdict, however far it is off", () => {
  assertEquals(verdict(1_000, MOST_SPREAD + 0.01), "too noisy");
  assertEquals(verdict(1_000, MOST_SPREAD), "slower");
});

Deno.test("the baseline's time is scaled to the speed of this machine", () => {
  const [one] = compare([figure("parse", 150)], { parse: 100 });
  assertAlmostEquals(one!.ratio!, 1.5);
  assertAlmostEquals(one!.baseline!, 200);
});

Deno.test("what is not in the baseline is new, and what has no bench any more is named", () => {
  const figures = [figure("parse", 1)];
  const [one] = compare(figures, { write: 1 });
  assertEquals([one!.verdict, one!.baseline, one!.ratio], ["new", undefined, undefined]);
  assertEquals(missing(figures, { write: 1, parse: 1 }), ["write"]);
});

Deno.test("an update takes the new costs, and the old one of what was too noisy", () => {
  const noisy = MOST_SPREAD + 0.01;
  const figures = [figure("a", 12.34567), figure("b", 9, noisy), figure("c", 9, noisy)];
  assertEquals(updated(figures, { b: 5, gone: 1 }), { a: 12.35, b: 5 });
});
