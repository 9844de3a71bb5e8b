import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { answerQuery } from "../../../src/demo/dns_zone.ts";

const V4 = new Uint8Array([192, 0, 2, 1]);
const V6 = new Uint8Array(16).fill(1);
const ZONE = new Map([
  ["demo.test", [V4, V6]],
  ["many.demo.test", Array.from({ length: 64 }, (_, i) => new Uint8Array([192, 0, 2, i]))],
]);

function query(name: string, type: number, flags = 0x0100): Uint8Array {
  const labels = name.split(".").flatMap((label) => [
    label.length,
    ...new TextEncoder().encode(label),
  ]);
  const header = [0xab, 0xcd, flags >> 8, flags & 255, 0, 1, 0, 0, 0, 0, 0, 0];
  return new Uint8Array([...header, ...labels, 0, 0, type, 0, 1]);
}

function answer(name: string, type: number, transport: "udp" | "tcp" = "udp"): number[] {
  return [...answerQuery(query(name, type), ZONE, transport) ?? []];
}

Deno.test("A and AAAA are answered, in any case of letters", () => {
  const a = answer("Demo.Test", 1);
  assertEquals(a.slice(0, 8), [0xab, 0xcd, 0x81, 0x80, 0, 1, 0, 1]);
  assertEquals(a.slice(-16), [0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, ...V4]);
  assertEquals(answer("demo.test", 28).slice(-16), [...V6]);
});

Deno.test("no such type, no such name, no query", () => {
  const mx = answer("demo.test", 15);
  assertEquals([mx[3], mx[7], mx.length], [0x80, 0, query("demo.test", 15).length]);
  assertEquals(answer("other.test", 1)[3], 0x83);
  assertEquals(answerQuery(new Uint8Array(5), ZONE, "udp"), undefined);
  assertEquals(answerQuery(query("demo.test", 1, 0x8000), ZONE, "udp"), undefined);
  assertEquals([...answerQuery(query("demo.test", 1, 0x1000), ZONE, "udp") ?? []][3], 0x84);
});

Deno.test("too long for UDP is truncated, over TCP it is whole", () => {
  const short = answer("many.demo.test", 1);
  assertEquals([short.length <= 512, (short[2] ?? 0) & 2, short[7]], [true, 2, 0]);
  const whole = answer("many.demo.test", 1, "tcp");
  assertEquals([(whole[2] ?? 0) & 2, whole[7]], [0, 64]);
  assertEquals(whole.slice(-4), [192, 0, 2, 63]);
});

Deno.test("property: no query makes it throw", () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 80 }), (bytes) => {
    answerQuery(bytes, ZONE, "udp");
    const start = query("demo.test", 1);
    start.set(bytes.subarray(0, Math.min(bytes.length, start.length - 12)), 12);
    answerQuery(start, ZONE, "tcp");
  }));
});
