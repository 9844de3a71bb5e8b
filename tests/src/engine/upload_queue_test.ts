/** The queue in front of the proxy's socket: order, copies, bounds, and no slot left. */

import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { Arena } from "../../../src/arena.ts";
import { RESERVED_SLOTS } from "../../../src/engine/context.ts";
import { SMALL_PAYLOAD, UploadQueue } from "../../../src/engine/upload_queue.ts";

const LARGE = 24;
const SMALL = 8;

class Setup {
  readonly arena = new Arena(new Uint8Array(Arena.size(LARGE, SMALL)), LARGE, SMALL);
  readonly queue = new UploadQueue(this.arena);
  /** What was pushed and not yet dropped. */
  readonly model: number[] = [];
  #next = 0;

  /** A packet's payload of `length` bytes arrives, in a slot that is released right after. */
  push(length: number): boolean {
    const slot = this.arena.takeLarge();
    if (slot < 0) return false;
    const bytes = Array.from({ length }, () => this.#next++ & 255);
    this.arena.bytes.set(bytes, slot + 40);
    const taken = this.queue.push(slot + 40, slot + 40 + length);
    this.arena.release(slot);
    if (taken) this.model.push(...bytes);
    return taken;
  }

  /** The socket takes up to `most` bytes; they have to be the next ones. */
  write(most: number): void {
    if (this.queue.bytes === 0) return;
    this.queue.locateFirst();
    const { firstAt, firstEnd } = this.queue;
    assert(firstEnd > firstAt, "something to write");
    const length = Math.min(most, firstEnd - firstAt);
    const written = [...this.arena.bytes.subarray(firstAt, firstAt + length)];
    assertEquals(written, this.model.splice(0, length));
    this.queue.drop(length);
  }

  isEmpty(): boolean {
    return this.arena.freeLarge === LARGE && this.arena.freeSmall === SMALL;
  }
}

Deno.test("small messages gather, and go in one write", () => {
  const setup = new Setup();
  for (let i = 0; i < 10; i++) assert(setup.push(100));
  setup.queue.locateFirst();
  assertEquals(setup.queue.firstEnd - setup.queue.firstAt, 1_000);
  setup.write(1_000);
  assertEquals(setup.queue.bytes, 0);
  assert(setup.isEmpty());
});

Deno.test("a lone small message holds a small slot, a large one its own", () => {
  const setup = new Setup();
  setup.push(100);
  assertEquals([setup.arena.freeLarge, setup.arena.freeSmall], [LARGE, SMALL - 1]);
  setup.push(SMALL_PAYLOAD + 1);
  assertEquals([setup.arena.freeLarge, setup.arena.freeSmall], [LARGE - 1, SMALL - 1]);
});

Deno.test("some slots are left for the loop; what is not taken leaves the queue as it was", () => {
  const setup = new Setup();
  let taken = 0;
  while (setup.push(60_000)) taken++;
  assert(setup.arena.freeLarge >= RESERVED_SLOTS - 1, `${setup.arena.freeLarge} are left`);
  assertEquals(setup.queue.bytes, taken * 60_000);
  while (setup.queue.bytes > 0) setup.write(Infinity);
  assert(setup.isEmpty());
});

Deno.test("clear gives everything back", () => {
  const setup = new Setup();
  for (const length of [100, 5_000, 200, 200, 60_000]) setup.push(length);
  setup.queue.clear();
  assertEquals(setup.queue.bytes, 0);
  assert(setup.isEmpty());
});

Deno.test("whatever comes in goes out, byte by byte, in order", () => {
  const action = fc.oneof(
    fc.record({
      push: fc.oneof(fc.integer({ min: 1, max: 300 }), fc.integer({ min: 1, max: 9_000 })),
    }),
    fc.record({ write: fc.oneof(fc.integer({ min: 1, max: 500 }), fc.constant(100_000)) }),
  );
  fc.assert(fc.property(fc.array(action, { maxLength: 60 }), (actions) => {
    const setup = new Setup();
    for (const one of actions) {
      if ("push" in one) setup.push(one.push);
      else setup.write(one.write);
      assertEquals(setup.queue.bytes, setup.model.length);
    }
    while (setup.queue.bytes > 0) setup.write(7_000);
    assertEquals(setup.model, []);
    assert(setup.isEmpty(), "every slot is free");
  }));
});
