import { assert, assertEquals, assertThrows } from "@std/assert";
import { fuzz, FuzzFailure, replay } from "./fuzz.ts";
import { HeapWatch } from "./heap_watch.ts";
import { PoisonedLink } from "./poisoned_link.ts";
import { Random } from "./random.ts";
import { readSeeds } from "./seeds.ts";
import { type FuzzTarget, hold, Violation } from "./target.ts";
import { targets } from "./targets.ts";

/** Some 200 000 inputs in all; `deno task fuzz` is for more. */
const PACKETS = 80_000;
const OTHERS = 5_000;

for (const target of targets) {
  const count = target.name.startsWith("packets") ? PACKETS : OTHERS;
  Deno.test(`fuzz: ${count} inputs for ${target.name}`, () => fuzz(target, 1, count));
}

for (const { file, target, inputs } of readSeeds()) {
  Deno.test(`fuzz: what broke once: ${file}`, () => {
    const found = targets.find((one) => one.name === target);
    if (found === undefined) throw new Error(`There is no target "${target}"`);
    assert(inputs.length > 0);
    replay(found, inputs);
  });
}

Deno.test("a failure names the run's own seed, the input, and the command that repeats it", () => {
  const failure = assertThrows(() => fuzz(failsAtInput(7), 40, 30), FuzzFailure);
  // Runs of ten with seeds 40, 41, 42: the third is the first whose seed lets it fail.
  assert(failure.message.includes("seed 42, input 7"), failure.message);
  assert(failure.message.includes("input: 07"), failure.message);
  assert(failure.message.includes("--target sample --seed 42 --packets 8"), failure.message);
  assertThrows(() => fuzz(failsAtInput(7), 42, 8), FuzzFailure);
  fuzz(failsAtInput(7), 42, 7);
});

function failsAtInput(index: number): FuzzTarget {
  return {
    name: "sample",
    runLength: 10,
    start(seed) {
      let count = 0;
      return {
        next: () => new Uint8Array([count++]),
        feed: (input) => hold(seed < 42 || input[0] !== index, "sample"),
        finish() {},
      };
    },
  };
}

Deno.test("the same seed gives the same inputs, another seed others", () => {
  const inputsOf = (seed: number) => {
    const run = targets[0]!.start(seed);
    return Array.from({ length: 50 }, () => run.next().toHex()).join();
  };
  assertEquals(inputsOf(5), inputsOf(5));
  assert(inputsOf(5) !== inputsOf(6));
});

Deno.test("random numbers repeat, and fill their range", () => {
  const [one, other] = [new Random(3), new Random(3)];
  const seen = new Set<number>();
  for (let i = 0; i < 1000; i++) {
    const value = one.below(10);
    assertEquals(value, other.below(10));
    seen.add(value);
  }
  assertEquals(seen.size, 10);
});

Deno.test("the poisoned memory notices a write outside, into used and into free slots", () => {
  const link = new PoisonedLink({
    vnet: false,
    mtu: 1500,
    poison: 0xa5,
    largeSlots: 1,
    smallSlots: 2,
  });
  const { arena } = link;
  const at = arena.takeSmall();
  arena.checkPoison(at, at + 10, "slot");
  arena.bytes[at + 3] = 1;
  assertThrows(() => arena.checkPoison(at, at + 10, "slot"), Violation, "byte 3");
  arena.release(at);
  arena.checkFreeSlots();
  arena.bytes[at + 9] = 1;
  assertThrows(() => arena.checkFreeSlots(), Violation, "byte 9");
});

Deno.test("the heap watch tells growth from garbage", () => {
  const watch = (sizes: number[]) => {
    const heap = new HeapWatch(() => sizes.shift() ?? 0);
    const count = sizes.length;
    for (let i = 0; i < count; i++) heap.sample();
    return heap;
  };
  const mebi = 1 << 20;
  watch(Array.from({ length: 30 }, (_, i) => (10 + i % 7 * 8) * mebi)).check();
  assertThrows(
    () => watch(Array.from({ length: 30 }, (_, i) => (10 + 2 * i + i % 7 * 8) * mebi)).check(),
    Violation,
    "grown",
  );
});
