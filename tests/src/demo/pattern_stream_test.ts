import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { patternOf } from "../../../src/demo/pattern.ts";
import { readPattern, writePattern } from "../../../src/demo/pattern_stream.ts";

/** Gives `bytes` in pieces of these lengths, over and over. */
function source(bytes: Uint8Array, lengths: readonly number[]) {
  let at = 0;
  let turn = 0;
  return {
    read(into: Uint8Array): Promise<number | null> {
      if (at === bytes.length) return Promise.resolve(null);
      const piece = bytes.subarray(
        at,
        at + Math.min(lengths[turn++ % lengths.length]!, into.length),
      );
      into.set(piece);
      at += piece.length;
      return Promise.resolve(piece.length);
    },
  };
}

const lengths = fc.array(fc.integer({ min: 1, max: 100_000 }), { minLength: 1, maxLength: 5 });
const count = fc.integer({ min: 1, max: 600_000 });

Deno.test("what is written is the pattern, however little each write takes", async () => {
  const written: Uint8Array[] = [];
  const sink = {
    write(bytes: Uint8Array): Promise<number> {
      const taken = bytes.slice(0, 70_001);
      written.push(taken);
      return Promise.resolve(taken.length);
    },
  };
  await writePattern(sink, 600_001);
  assertEquals(await new Blob(written as Uint8Array<ArrayBuffer>[]).bytes(), patternOf(600_001));
});

Deno.test("the pattern is intact in any pieces, and with any start", async () => {
  await fc.assert(
    fc.asyncProperty(count, lengths, fc.nat(63), async (count, lengths, start) => {
      const all = patternOf(count + start);
      const received = await readPattern(
        source(all.subarray(start), lengths),
        all.subarray(0, start),
      );
      assertEquals(received, { bytes: count + start, intact: true });
    }),
    { numRuns: 30 },
  );
});

Deno.test("one wrong byte anywhere is seen", async () => {
  await fc.assert(
    fc.asyncProperty(count, lengths, fc.nat(), async (count, lengths, place) => {
      const all = patternOf(count);
      all[place % count]! ^= 1;
      const received = await readPattern(source(all, lengths), new Uint8Array(0));
      assertEquals(received, { bytes: count, intact: false });
    }),
    { numRuns: 30 },
  );
});
