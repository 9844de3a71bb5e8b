import { assertEquals } from "@std/assert";
import { MessageReader } from "../../../src/socks_server/message_reader.ts";
import { greetingLength, messageLength } from "../../../src/wire/socks5.ts";

/** Gives these pieces, one per read, then the end. */
function source(...pieces: number[][]) {
  return {
    read(into: Uint8Array): Promise<number | null> {
      const piece = pieces.shift();
      if (piece === undefined) return Promise.resolve(null);
      into.set(piece);
      return Promise.resolve(piece.length);
    },
  };
}

Deno.test("messages come out whole, whatever the pieces; the rest is kept", async () => {
  const reader = new MessageReader(source([5], [1, 0, 5, 1], [0, 1, 1, 2, 3, 4, 0, 80, 42, 43]));
  assertEquals(await reader.next(greetingLength), true);
  assertEquals([...reader.bytes.subarray(0, 3)], [5, 1, 0]);
  assertEquals(await reader.next(messageLength), true);
  assertEquals([...reader.bytes.subarray(0, 10)], [5, 1, 0, 1, 1, 2, 3, 4, 0, 80]);
  assertEquals([...reader.rest()], [42, 43]);
});

Deno.test("an end in the middle, and rubbish, are no message", async () => {
  assertEquals(await new MessageReader(source([5, 2, 0])).next(greetingLength), false);
  const rubbish = new MessageReader(source([4, 1]));
  assertEquals(await rubbish.next(greetingLength), false);
  assertEquals(rubbish.holds((bytes, at, end) => end - at === 2 && bytes[at] === 4), true);
});
