import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { Arena } from "../../../../src/arena.ts";
import { MOST_RANGES, SendQueue } from "../../../../src/stack/tcp/send_queue.ts";

const SLOTS = 600;
const step = fc.oneof(
  fc.record({ kind: fc.constant("push" as const), length: fc.integer({ min: 1, max: 40 }) }),
  fc.record({
    kind: fc.constant("acknowledge" as const),
    part: fc.double({ min: 0, max: 1, noNaN: true }),
  }),
  fc.record({
    kind: fc.constant("locate" as const),
    part: fc.double({ min: 0, max: 1, noNaN: true }),
  }),
);

function makeArena(): Arena {
  return new Arena(new Uint8Array(Arena.size(0, SLOTS)), 0, SLOTS);
}

Deno.test("send queue: the same as a list of bytes, and a slot lives as long as its last byte", () => {
  fc.assert(fc.property(fc.array(step, { maxLength: 120 }), (steps) => {
    const arena = makeArena();
    const queue = new SendQueue(arena);
    // The twin: for each byte where it lies, and where its range ends.
    let twin: { at: number; end: number }[] = [];
    for (const change of steps) {
      if (change.kind === "push") {
        const at = arena.takeSmall() + 7;
        queue.push(at, at + change.length);
        for (let i = 0; i < change.length; i++) twin.push({ at: at + i, end: at + change.length });
      } else if (change.kind === "acknowledge") {
        const length = Math.floor(change.part * twin.length);
        queue.acknowledge(length);
        twin = twin.slice(length);
      } else if (twin.length > 0) {
        const offset = Math.min(Math.floor(change.part * twin.length), twin.length - 1);
        queue.locate(offset);
        assertEquals([queue.foundAt, queue.foundEnd], [twin[offset]!.at, twin[offset]!.end]);
      }
      assertEquals(queue.bytes, twin.length);
      assertEquals(SLOTS - arena.freeSmall, new Set(twin.map(({ end }) => end)).size);
    }
    queue.clear();
    assertEquals([queue.bytes, arena.freeSmall], [0, SLOTS]);
  }));
});

Deno.test("send queue: full when a source gives byte by byte", () => {
  const queue = new SendQueue(makeArena());
  const arena = makeArena();
  for (let i = 0; i < MOST_RANGES; i++) {
    assertEquals(queue.isFull, false);
    const at = arena.takeSmall();
    queue.push(at, at + 1);
  }
  assertEquals(queue.isFull, true);
});
