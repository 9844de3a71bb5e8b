import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { Arena, LARGE_SLOT, SMALL_SLOT } from "../../src/arena.ts";

function arena(large: number, small: number): Arena {
  return new Arena(new Uint8Array(Arena.size(large, small)), large, small);
}

Deno.test("slots are taken from the lowest on, large ones first in the block", () => {
  const slots = arena(2, 2);
  assertEquals([slots.takeLarge(), slots.takeLarge(), slots.takeLarge()], [0, LARGE_SLOT, -1]);
  const small = 2 * LARGE_SLOT;
  const taken = [slots.takeSmall(), slots.takeSmall(), slots.takeSmall()];
  assertEquals(taken, [small, small + SMALL_SLOT, -1]);
  assertEquals([slots.freeLarge, slots.freeSmall], [0, 0]);
  assertEquals(slots.bytesInUse, Arena.size(2, 2));
});

Deno.test("the lowest free slot is used next, whichever was freed last", () => {
  const slots = arena(3, 0);
  const [first, second] = [slots.takeLarge(), slots.takeLarge()];
  slots.release(first);
  slots.release(second);
  assertEquals([slots.takeLarge(), slots.takeLarge()], [first, second]);
});

Deno.test("a slot is free when its last holder lets go, by any offset in it", () => {
  const slots = arena(1, 1);
  const at = slots.takeLarge();
  slots.retain(at + LARGE_SLOT - 1);
  assertEquals(slots.references(at + 5), 2);
  slots.release(at + 5);
  assertEquals([slots.freeLarge, slots.references(at)], [0, 1]);
  slots.release(at + LARGE_SLOT - 1);
  assertEquals([slots.freeLarge, slots.bytesInUse], [1, 0]);
  assertThrows(() => slots.release(at), Error, "nobody holds");
});

Deno.test("offsets tell the size of their slot", () => {
  const slots = arena(1, 2);
  assertEquals(slots.slotSize(LARGE_SLOT - 1), LARGE_SLOT);
  assertEquals(slots.slotSize(LARGE_SLOT), SMALL_SLOT);
});

Deno.test("a block that is too small is refused", () => {
  assertThrows(() => new Arena(new Uint8Array(Arena.size(1, 1) - 1), 1, 1), RangeError);
});

Deno.test("a large slot holds the largest super-segment with its virtio header", () => {
  assert(LARGE_SLOT >= 65_535 + 10);
  assertEquals(LARGE_SLOT % 4096, 0);
});

Deno.test("memory that a burst has used is named, whole blocks of it, and what is held is not", () => {
  const slots = arena(4, 96);
  const large = [slots.takeLarge(), slots.takeLarge(), slots.takeLarge()];
  const small = Array.from({ length: 70 }, () => slots.takeSmall());
  for (const at of [...large.slice(1), ...small.slice(1)]) slots.release(at);
  const named: number[][] = [];
  const discard = (at: number, length: number) => named.push([at, length]);
  assertEquals([slots.trim(discard), named], [true, []]);
  assertEquals(slots.trim(discard), false);
  const smallBase = 4 * LARGE_SLOT;
  assertEquals(named, [
    [LARGE_SLOT, 2 * LARGE_SLOT],
    [smallBase + 32 * SMALL_SLOT, 64 * SMALL_SLOT],
  ]);
  slots.release(large[0]!);
  slots.release(small[0]!);
  assertEquals([slots.trim(discard), slots.trim(discard)], [true, false]);
  assertEquals(named.slice(2), [[0, LARGE_SLOT], [smallBase, 32 * SMALL_SLOT]]);
  assertEquals(named.flat().every((number) => number % 4096 === 0), true);
});

Deno.test("no more is named at a time than the system takes off in a moment", () => {
  const slots = arena(1_000, 0);
  for (let at = slots.takeLarge(); at >= 0; at = slots.takeLarge());
  for (let slot = 0; slot < 1_000; slot++) slots.release(slot * LARGE_SLOT);
  const named: number[] = [];
  while (slots.trim((_, length) => named.push(length)));
  assert(named.length > 1 && Math.max(...named) <= 32 << 20);
  assertEquals(named.reduce((sum, length) => sum + length, 0), 1_000 * LARGE_SLOT);
});

Deno.test("property: as a set of slots with counts, and no two holders share one", () => {
  const step = fc.record({
    kind: fc.constantFrom("large", "small", "retain", "release"),
    pick: fc.nat(),
  });
  fc.assert(fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
    const slots = arena(3, 4);
    const counts = new Map<number, number>();
    for (const { kind, pick } of steps) {
      if (kind === "large" || kind === "small") {
        const at = kind === "large" ? slots.takeLarge() : slots.takeSmall();
        assert(!counts.has(at));
        if (at >= 0) counts.set(at, 1);
        continue;
      }
      const held = [...counts.keys()][pick % Math.max(1, counts.size)];
      if (held === undefined) continue;
      const count = counts.get(held)! + (kind === "retain" ? 1 : -1);
      if (kind === "retain") slots.retain(held);
      else slots.release(held);
      if (count > 0) counts.set(held, count);
      else counts.delete(held);
      assertEquals(slots.references(held), count);
    }
    const large = [...counts.keys()].filter((at) => at < 3 * LARGE_SLOT).length;
    assertEquals([slots.freeLarge, slots.freeSmall], [3 - large, 4 - (counts.size - large)]);
  }));
});
