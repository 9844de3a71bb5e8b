import { assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { ARITHMETIC, STEPS, WALK } from "./reference.ts";
import { type BenchReport, readRound } from "./round.ts";

function bench(
  origin: string,
  name: string,
  nanoseconds: number,
  calls = 10,
): BenchReport["benches"][number] {
  const results = [{ ok: { min: nanoseconds * calls } }];
  return { origin, name, group: `${calls} calls`, results };
}

/** Both kernels of a file, first and last: nanoseconds per step. */
function reference(origin: string, arithmetic: number, walk: number): BenchReport["benches"] {
  return [
    bench(origin, ARITHMETIC, arithmetic * STEPS, 1),
    bench(origin, WALK, walk * STEPS + 1, 1),
    bench(origin, ARITHMETIC, arithmetic * STEPS + 1, 2),
    bench(origin, WALK, walk * STEPS, 2),
  ];
}

Deno.test("a cost is the time in steps of the reference of the same file", () => {
  const readings = readRound({
    benches: [
      ...reference("a", 1, 4),
      bench("a", "parse", 30),
      ...reference("b", 2, 8),
      bench("b", "write", 30),
    ],
  });
  assertEquals(readings.map(({ name, nanoseconds }) => [name, nanoseconds]), [
    ["parse", 30],
    ["write", 30],
  ]);
  assertAlmostEquals(readings[0]!.cost, 15);
  assertAlmostEquals(readings[1]!.cost, 7.5);
});

Deno.test("a machine of half the speed gives the same costs", () => {
  const at = (slowness: number) =>
    readRound({
      benches: [...reference("a", slowness, 3 * slowness), bench("a", "parse", 30 * slowness)],
    });
  assertAlmostEquals(at(2)[0]!.cost, at(1)[0]!.cost);
});

Deno.test("a bench that failed, and a file without the reference, are errors", () => {
  const failed = { ...bench("a", "parse", 1), results: [{ failed: {} }] };
  assertThrows(() => readRound({ benches: [...reference("a", 1, 1), failed] }), Error, "failed");
  assertThrows(() => readRound({ benches: [bench("a", "parse", 1)] }), Error, ARITHMETIC);
});
