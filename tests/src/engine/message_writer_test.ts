/** Messages on their way to a socket: in order, whole, however much it takes; and no slot left. */

import { assert, assertEquals } from "@std/assert";
import { Arena, SMALL_SLOT } from "../../../src/arena.ts";
import type { ProxySocket } from "../../../src/engine/driver.ts";
import { MessageWriter } from "../../../src/engine/message_writer.ts";
import fc from "fast-check";

const SLOTS = 2;
const NOTHING = new Uint8Array(0);

class Rig {
  readonly arena = new Arena(new Uint8Array(Arena.size(0, SLOTS)), 0, SLOTS);
  readonly taken: number[] = [];
  /** What the socket takes at once. */
  room = Infinity;
  /** What it was offered and has not taken. */
  offered: [number, number] | undefined;
  readonly writer: MessageWriter;

  constructor() {
    // All of a socket that a writer uses.
    const socket = { send: (at: number, end: number) => this.#send(at, end) };
    this.writer = new MessageWriter(this.arena, socket as unknown as ProxySocket);
  }

  /** The socket has taken so many of the bytes that it was offered. */
  take(length: number): boolean {
    const [at, end] = this.offered!;
    const until = Math.min(at + length, end);
    this.taken.push(...this.arena.bytes.subarray(at, until));
    this.offered = undefined;
    return this.writer.sent(until - at);
  }

  get free(): number {
    return this.arena.freeSmall;
  }

  #send(at: number, end: number): number {
    assertEquals(this.offered, undefined, "nothing more is sent until `sent`");
    const length = Math.min(this.room, end - at);
    this.taken.push(...this.arena.bytes.subarray(at, at + length));
    if (length < end - at) this.offered = [at + length, end];
    return length;
  }
}

function message(length: number, salt: number): Uint8Array {
  return Uint8Array.from({ length }, (_, index) => (index * 7 + salt) & 0xff);
}

Deno.test("a socket that takes everything has everything at once", () => {
  const rig = new Rig();
  for (const length of [3, SMALL_SLOT, SMALL_SLOT + 1]) {
    assert(rig.writer.write(message(length, length)));
    assertEquals([rig.writer.isIdle, rig.free], [true, SLOTS]);
  }
  assertEquals(rig.taken.length, 3 + SMALL_SLOT + SMALL_SLOT + 1);
});

Deno.test("property: whatever the socket takes at a time, messages come whole and in order", () => {
  const lengths = fc.array(fc.integer({ min: 1, max: 3 * SMALL_SLOT }), { maxLength: 5 });
  const bites = fc.array(fc.integer({ min: 0, max: SMALL_SLOT }), { minLength: 1, maxLength: 20 });
  fc.assert(fc.property(lengths, bites, (lengths, bites) => {
    const rig = new Rig();
    rig.room = bites[0]!;
    const messages = lengths.map(message);
    for (const each of messages) assert(rig.writer.write(each));
    for (let turn = 0; rig.offered !== undefined; turn++) {
      rig.room = bites[turn % bites.length]!;
      assert(rig.take(rig.room + (turn >= bites.length ? 100 : 0)));
    }
    assertEquals(rig.taken, messages.flatMap((each) => [...each]));
    assertEquals([rig.writer.isIdle, rig.free], [true, SLOTS]);
  }));
});

Deno.test("without memory it says so, and gives back what it holds when it is cleared", () => {
  const rig = new Rig();
  const others = [rig.arena.takeSmall(), rig.arena.takeSmall()];
  assertEquals(rig.writer.write(message(10, 1)), false);
  rig.writer.clear();
  for (const slot of others) rig.arena.release(slot);
  rig.room = 4;
  assert(rig.writer.write(message(10, 2)));
  assertEquals([rig.writer.isIdle, rig.free], [false, SLOTS - 1]);
  rig.writer.clear();
  assertEquals([rig.writer.isIdle, rig.free], [true, SLOTS]);
  assert(rig.writer.write(NOTHING));
});
