import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { SlotPool } from "../../src/slot_pool.ts";

/** What one sweep gives: runs of blocks, and whether there will be more. */
function sweep(pool: SlotPool, most = Infinity): { runs: number[][]; more: boolean } {
  const runs: number[][] = [];
  const more = pool.sweep(most, (from, to) => runs.push([from, to]));
  return { runs, more };
}

function take(pool: SlotPool, count: number): number[] {
  return Array.from({ length: count }, () => pool.take());
}

Deno.test("slot pool: what was never taken is never given", () => {
  const pool = new SlotPool(16, 2);
  assertEquals([sweep(pool), sweep(pool)], [{ runs: [], more: false }, { runs: [], more: false }]);
});

Deno.test("slot pool: a block goes at the second sweep after its last slot came back, and once", () => {
  const pool = new SlotPool(16, 2);
  const slots = take(pool, 8);
  assertEquals(sweep(pool), { runs: [], more: false });
  for (const slot of slots.slice(0, 7)) pool.release(slot);
  assertEquals(sweep(pool), { runs: [], more: true });
  // The second block has still one slot that somebody holds.
  assertEquals(sweep(pool), { runs: [[0, 1]], more: false });
  pool.release(slots[7]!);
  assertEquals(sweep(pool), { runs: [], more: true });
  assertEquals(sweep(pool), { runs: [[1, 2]], more: false });
  assertEquals(sweep(pool), { runs: [], more: false });
});

Deno.test("slot pool: use between two sweeps begins the rest anew, however short", () => {
  const pool = new SlotPool(4, 2);
  pool.release(pool.take());
  assertEquals(sweep(pool), { runs: [], more: true });
  pool.release(pool.take());
  assertEquals(sweep(pool), { runs: [], more: true });
  assertEquals(sweep(pool), { runs: [[0, 1]], more: false });
});

Deno.test("slot pool: neighbours go together, at most so many blocks, the rest the next time", () => {
  const pool = new SlotPool(10, 0);
  const slots = take(pool, 10);
  for (const slot of slots) if (slot !== 4) pool.release(slot);
  sweep(pool);
  assertEquals(sweep(pool, 6), { runs: [[0, 4], [5, 7]], more: true });
  assertEquals(sweep(pool, 6), { runs: [[7, 10]], more: false });
});

Deno.test("slot pool: a block that is cut short at the end stays", () => {
  const pool = new SlotPool(5, 2);
  for (const slot of take(pool, 5)) pool.release(slot);
  sweep(pool);
  assertEquals(sweep(pool), { runs: [[0, 1]], more: false });
});

Deno.test("slot pool: nothing that is held is given, and everything that is free goes in the end", () => {
  const step = fc.record({
    kind: fc.constantFrom("take", "take", "release", "sweep"),
    pick: fc.nat(),
  });
  fc.assert(fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
    const pool = new SlotPool(24, 1);
    const held: number[] = [];
    // The twin: blocks that were touched and are there.
    const present = new Set<number>();
    const give = (from: number, to: number) => {
      for (let block = from; block < to; block++) {
        assertEquals(held.some((slot) => slot >> 1 === block), false);
        assertEquals(present.delete(block), true);
      }
    };
    for (const { kind, pick } of steps) {
      if (kind === "sweep") pool.sweep(3, give);
      else if (kind === "take") {
        const slot = pool.take();
        if (slot >= 0) held.push(slot);
        if (slot >= 0) present.add(slot >> 1);
      } else if (held.length > 0) pool.release(held.splice(pick % held.length, 1)[0]!);
    }
    while (pool.sweep(3, give));
    assertEquals([...present].sort(), [...new Set(held.map((slot) => slot >> 1))].sort());
  }));
});
