import { assertEquals } from "@std/assert";
import { NO_RANGE, RANGE_END, RANGE_NEXT, Ranges } from "../../src/ranges.ts";

Deno.test("ranges: what is taken keeps its words while the pool grows", () => {
  const ranges = new Ranges();
  const first = ranges.capacity;
  const taken = Array.from({ length: 5 * first }, (_, i) => ranges.take(i, 2 * i + 1));
  assertEquals(new Set(taken).size, taken.length);
  for (const [i, range] of taken.entries()) {
    const { words } = ranges;
    assertEquals(
      [words[range], words[range + RANGE_END], words[range + RANGE_NEXT]],
      [i, 2 * i + 1, NO_RANGE],
    );
  }
});

Deno.test("ranges: a released one says what stood behind it, and is taken again", () => {
  const ranges = new Ranges();
  const [one, other] = [ranges.take(1, 2), ranges.take(3, 4)];
  ranges.words[one + RANGE_NEXT] = other;
  assertEquals(ranges.release(one), other);
  assertEquals(ranges.take(5, 6), one);
  assertEquals(ranges.words[one + RANGE_NEXT], NO_RANGE);
});

Deno.test("ranges: a pool that has emptied is as small as a new one", () => {
  const ranges = new Ranges();
  const first = ranges.capacity;
  for (let round = 0; round < 2; round++) {
    const taken = Array.from({ length: 3 * first }, () => ranges.take(0, 1));
    assertEquals(ranges.capacity, 4 * first);
    for (const range of taken) ranges.release(range);
    assertEquals(ranges.capacity, first);
  }
});
