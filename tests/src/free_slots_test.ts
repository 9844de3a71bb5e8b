import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { FreeSlots } from "../../src/free_slots.ts";

Deno.test("free slots: the lowest one each time, among few and many, until none is left", () => {
  for (const count of [0, 1, 31, 32, 33, 1_024, 1_025, 2_500]) {
    const slots = new FreeSlots(count);
    for (let slot = 0; slot < count; slot++) {
      assertEquals([slots.count, slots.take()], [count - slot, slot]);
    }
    assertEquals([slots.count, slots.take(), slots.count], [0, -1, 0]);
  }
});

Deno.test("free slots: the same as a sorted list", () => {
  const step = fc.record({ takes: fc.boolean(), pick: fc.nat() });
  fc.assert(fc.property(fc.nat(3_000), fc.array(step, { maxLength: 300 }), (taken, steps) => {
    const count = 2_100;
    const slots = new FreeSlots(count);
    const free = Array.from({ length: count }, (_, slot) => slot);
    const held: number[] = [];
    const take = () => {
      const slot = slots.take();
      assertEquals(slot, free.shift() ?? -1);
      if (slot >= 0) held.push(slot);
    };
    for (let i = 0; i < taken; i++) take();
    for (const { takes, pick } of steps) {
      if (takes || held.length === 0) take();
      else {
        const [slot] = held.splice(pick % held.length, 1);
        slots.put(slot!);
        free.push(slot!);
        free.sort((a, b) => a - b);
      }
      assertEquals(slots.count, free.length);
    }
  }));
});
