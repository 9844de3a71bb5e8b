import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { Arena } from "../../../../src/arena.ts";
import { ReorderQueue } from "../../../../src/stack/tcp/reorder_queue.ts";
import { ByteSet } from "../../../reference/byte_set.ts";

const BASE = 0xffff_ff00;
const SLOTS = 400;

function makeArena(): Arena {
  return new Arena(new Uint8Array(Arena.size(8, SLOTS)), 8, SLOTS);
}

/** The byte that belongs at an offset. */
function byteAt(offset: number): number {
  return (offset * 37) & 255;
}

/** Inserts `[from, to)`, as a packet that lies in a slot of its own for the time of the call. */
function insert(arena: Arena, queue: ReorderQueue, from: number, to: number): boolean {
  const slot = arena.takeLarge();
  for (let i = from; i < to; i++) arena.bytes[slot + i - from] = byteAt(i);
  const kept = queue.insert((BASE + from) >>> 0, slot, slot + to - from);
  arena.release(slot);
  return kept;
}

const segment = fc.tuple(fc.integer({ min: 1, max: 500 }), fc.integer({ min: 1, max: 60 }));

Deno.test("reorder queue: every byte once, in order, and nothing kept behind", () => {
  fc.assert(
    fc.property(fc.array(segment, { maxLength: 40 }), fc.nat(520), (segments, next) => {
      const arena = makeArena();
      const queue = new ReorderQueue(arena);
      const twin = new ByteSet();
      for (const [from, length] of segments) {
        assert(insert(arena, queue, from, from + length));
        twin.add(from, from + length);
        checkBlocks(queue, twin, from);
      }
      for (let expected = next;;) {
        const piece = queue.take((BASE + expected) >>> 0);
        if (piece === undefined) {
          assertEquals(twin.has(expected), false, `byte ${expected} was there`);
          break;
        }
        for (let at = piece.at; at < piece.end; at++, expected++) {
          assertEquals([twin.has(expected), arena.bytes[at]], [true, byteAt(expected)]);
        }
        arena.release(piece.at);
      }
      queue.clear();
      assertEquals([arena.freeLarge, arena.freeSmall], [8, SLOTS]);
    }),
  );
});

/** RFC 2018, 4: the first block holds what came last; each is a whole run. */
function checkBlocks(queue: ReorderQueue, twin: ByteSet, latest: number): void {
  const edges = new Uint32Array(8);
  const count = queue.sackBlocks(edges, 4);
  const runs = twin.ranges();
  assertEquals(count, Math.min(runs.length, 4));
  const blocks = Array.from({ length: count }, (_, i) => [
    (edges[2 * i]! - BASE) >>> 0,
    (edges[2 * i + 1]! - BASE) >>> 0,
  ]);
  assert(blocks[0]![0]! <= latest && latest < blocks[0]![1]!, "the latest comes first");
  for (const [left, right] of blocks) assert(runs.some(([l, r]) => l === left && r === right));
  assertEquals(new Set(blocks.map(([left]) => left)).size, count, "no block twice");
}

Deno.test("reorder queue: small pieces are copied, large ones keep their slot", () => {
  const arena = makeArena();
  const queue = new ReorderQueue(arena);
  insert(arena, queue, 100, 200);
  assertEquals([arena.freeLarge, arena.freeSmall], [8, SLOTS - 1]);
  insert(arena, queue, 1_000, 5_000);
  assertEquals([arena.freeLarge, arena.freeSmall], [7, SLOTS - 1]);
});

Deno.test("reorder queue: the last quarter of the slots is left to others", () => {
  const arena = makeArena();
  const queue = new ReorderQueue(arena);
  let kept = 0;
  while (insert(arena, queue, 10 + 2 * kept, 11 + 2 * kept)) kept++;
  assertEquals(arena.freeSmall, SLOTS / 4 - 1);
  let large = 0;
  while (insert(arena, queue, 10_000 + 4_000 * large, 13_000 + 4_000 * large)) large++;
  assert(arena.freeLarge >= 1);
  queue.clear();
  assertEquals([arena.freeLarge, arena.freeSmall], [8, SLOTS]);
});

Deno.test("reorder queue: so many pieces and no more", () => {
  const arena = new Arena(new Uint8Array(Arena.size(8, 4_000)), 8, 4_000);
  const queue = new ReorderQueue(arena);
  let kept = 0;
  while (insert(arena, queue, 10 + 2 * kept, 11 + 2 * kept)) kept++;
  assertEquals(kept, 1_024);
});
