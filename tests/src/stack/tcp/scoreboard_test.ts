import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { Scoreboard } from "../../../../src/stack/tcp/scoreboard.ts";
import { ByteSet } from "../../../reference/byte_set.ts";

/** All numbers are offsets from here: they wrap in the middle. */
const BASE = 0xffff_ffc0;
const LENGTH = 128;

function at(offset: number): number {
  return (BASE + offset) >>> 0;
}

const step = fc.oneof(
  fc.record({
    kind: fc.constant("add" as const),
    from: fc.nat(LENGTH - 1),
    length: fc.integer({ min: 1, max: 30 }),
  }),
  fc.record({ kind: fc.constant("advance" as const), to: fc.nat(LENGTH) }),
);

/** Bytes not reported in [from, to), counted one by one. */
function missing(twin: ByteSet, from: number, to: number): number {
  let count = 0;
  for (let i = from; i < to; i++) if (!twin.has(i)) count++;
  return count;
}

function compare(board: Scoreboard, twin: ByteSet, una: number): void {
  assertEquals(board.bytes, twin.size);
  assertEquals(board.isEmpty, twin.size === 0);
  for (let from = una; from <= LENGTH; from += 7) {
    let free = from;
    while (twin.has(free)) free++;
    assertEquals((board.skip(at(from)) - BASE) >>> 0, free, "skip");
    let hole = free;
    while (hole < LENGTH && !twin.has(hole)) hole++;
    if (free < LENGTH) assertEquals(board.hole(at(free), at(LENGTH)), hole - free, "hole");
    assertEquals(board.missing(at(from), at(LENGTH)), missing(twin, from, LENGTH), "missing");
  }
}

/** RFC 6675, IsLost: the highest byte with more than `threshold` reported bytes in the runs above it. */
function lossEdge(twin: ByteSet, una: number, threshold: number): number {
  let above = 0;
  for (const [from, to] of twin.ranges().reverse()) {
    above += to - from;
    if (above > threshold) return from;
  }
  return una;
}

Deno.test("scoreboard: the same as one bit per byte", () => {
  fc.assert(fc.property(fc.array(step, { maxLength: 40 }), fc.nat(40), (steps, threshold) => {
    const board = new Scoreboard();
    const twin = new ByteSet();
    let una = 0;
    for (const change of steps) {
      if (change.kind === "add") {
        const from = Math.max(change.from, una + 1);
        const to = Math.min(from + change.length, LENGTH + 30);
        if (from >= to) continue;
        const news = missing(twin, from, to) > 0;
        assertEquals(board.add(at(from), at(to)), news, "news");
        twin.add(from, to);
      } else {
        una = Math.max(una, change.to);
        board.advance(at(una));
        twin.dropBelow(una);
      }
      compare(board, twin, una);
      const edge = (board.lossEdge(at(una), threshold) - BASE) >>> 0;
      assertEquals(edge, lossEdge(twin, una, threshold), "loss edge");
    }
  }));
});

Deno.test("scoreboard: when there are too many ranges the highest are forgotten", () => {
  const board = new Scoreboard();
  for (let i = 0; i < 3_000; i++) board.add(10 * i + 5, 10 * i + 10);
  assertEquals(board.skip(5), 10);
  assertEquals(board.missing(0, 20), 10);
  const remembered = board.bytes;
  board.add(100_005, 100_010);
  assertEquals(board.bytes, remembered);
  board.clear();
  assertEquals([board.bytes, board.isEmpty], [0, true]);
});
