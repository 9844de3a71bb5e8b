import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { seqAdd, seqDiff, seqLe, seqLt, seqMax } from "../../../../src/stack/tcp/seq.ts";

Deno.test("seq: order holds across the wrap, half a circle each way", () => {
  const number = fc.integer({ min: 0, max: 0xffff_ffff });
  fc.assert(fc.property(number, fc.integer({ min: 1, max: 0x7fff_ffff }), (a, step) => {
    const b = seqAdd(a, step);
    assertEquals(BigInt(b), (BigInt(a) + BigInt(step)) % 0x1_0000_0000n);
    assertEquals([seqDiff(b, a), seqDiff(a, b)], [step, -step]);
    assertEquals([seqLt(a, b), seqLt(b, a), seqLe(a, a), seqLt(a, a)], [true, false, true, false]);
    assertEquals([seqMax(a, b), seqMax(b, a)], [b, b]);
  }));
});
