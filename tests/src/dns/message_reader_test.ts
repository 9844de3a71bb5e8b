import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { MessageReader } from "../../../src/dns/message_reader.ts";
import { fraction } from "../../vectors/dns/mutations.ts";
import { exchanges } from "../../vectors/dns/messages.ts";
import { framed } from "./fixtures.ts";

/** Feeds a stream in the given pieces, each in a buffer that is overwritten afterwards. */
function read(stream: Uint8Array, cuts: number[]): Uint8Array[] {
  const messages: Uint8Array[] = [];
  const reader = new MessageReader({
    message: (bytes, at, end) => messages.push(bytes.slice(at, end)),
  });
  const edges = [0, ...cuts.toSorted((a, b) => a - b), stream.length];
  for (let i = 1; i < edges.length; i++) {
    const piece = stream.slice(edges[i - 1], edges[i]);
    const buffer = new Uint8Array(piece.length + 6).fill(0xff);
    buffer.set(piece, 3);
    reader.receive(buffer, 3, 3 + piece.length);
    buffer.fill(0xee);
  }
  return messages;
}

const short = exchanges.filter(({ answer }) => answer.length < 100).map(({ answer }) => answer);

Deno.test("two messages split at every pair of places", () => {
  const messages = [short[0]!, short[1]!];
  const stream = framed(...messages);
  for (let a = 0; a <= stream.length; a++) {
    for (let b = a; b <= stream.length; b++) {
      assertEquals(read(stream, [a, b]), messages, `${a} ${b}`);
    }
  }
});

Deno.test("byte by byte, and all at once", () => {
  const messages = exchanges.map(({ answer }) => answer);
  const stream = framed(...messages);
  assertEquals(read(stream, Array.from(stream, (_, i) => i)), messages);
  assertEquals(read(stream, []), messages);
});

Deno.test("messages of no length are passed over, the longest is taken", () => {
  const longest = new Uint8Array(65_535).map((_, i) => i * 7);
  const empty = new Uint8Array(0);
  const stream = framed(empty, longest, empty, empty, short[0]!, empty);
  assertEquals(read(stream, [1, 3, 40_000, 65_540]), [longest, short[0]!]);
});

Deno.test("a length that is never made good holds no more than it announced", () => {
  const reader = new MessageReader({ message: () => assert(false) });
  const piece = new Uint8Array(1000).fill(0xff);
  for (let i = 0; i < 65; i++) reader.receive(piece, 0, piece.length);
  assertEquals(reader.buffered, 64_998);
});

Deno.test("no message comes after stop, even out of the same read", () => {
  let count = 0;
  const reader = new MessageReader({
    message: () => {
      count++;
      reader.stop();
    },
  });
  const stream = framed(short[0]!, short[0]!);
  reader.receive(stream, 0, stream.length);
  reader.receive(stream, 0, stream.length);
  assertEquals([count, reader.buffered], [1, 0]);
});

Deno.test("property: any messages in any pieces come out as they went in", () => {
  const message = fc.uint8Array({ minLength: 1, maxLength: 2000 });
  fc.assert(
    fc.property(fc.array(message, { maxLength: 6 }), fc.array(fraction), (messages, cuts) => {
      const stream = framed(...messages);
      assertEquals(read(stream, cuts.map((where) => Math.floor(where * stream.length))), messages);
    }),
  );
});
