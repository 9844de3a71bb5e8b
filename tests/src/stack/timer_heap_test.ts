import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { type Timed, TimerHeap } from "../../../src/stack/timer_heap.ts";

interface Node extends Timed {
  id: number;
}

const COUNT = 12;
const time = fc.oneof({ weight: 5, arbitrary: fc.nat(100) }, {
  weight: 1,
  arbitrary: fc.constant(Infinity),
});
const step = fc.oneof(
  fc.record({ kind: fc.constant("set" as const), id: fc.nat(COUNT - 1), time }),
  fc.record({ kind: fc.constant("remove" as const), id: fc.nat(COUNT - 1) }),
  fc.record({ kind: fc.constant("advance" as const), by: fc.nat(40) }),
);

Deno.test("timer heap: the same as sorting all deadlines", () => {
  fc.assert(fc.property(fc.array(step, { maxLength: 120 }), (steps) => {
    const heap = new TimerHeap<Node>();
    const nodes = Array.from({ length: COUNT }, (_, id): Node => ({
      id,
      deadline: Infinity,
      heapTime: 0,
      heapIndex: -1,
    }));
    let now = 0;
    for (const change of steps) {
      if (change.kind === "set") {
        nodes[change.id]!.deadline = now + change.time;
        heap.update(nodes[change.id]!);
      } else if (change.kind === "remove") {
        heap.remove(nodes[change.id]!);
        nodes[change.id]!.deadline = Infinity;
      } else {
        now += change.by;
        const due = nodes.filter(({ deadline }) => deadline <= now).map(({ id }) => id);
        const taken: number[] = [];
        for (let node = heap.takeDue(now); node !== undefined; node = heap.takeDue(now)) {
          taken.push(node.id);
          node.deadline = Infinity;
        }
        assertEquals(taken.sort(), due.sort());
      }
      const earliest = Math.min(...nodes.map(({ deadline }) => deadline));
      assert(heap.next <= earliest, "never too late");
      assert(heap.size <= COUNT);
    }
    for (const node of nodes) heap.remove(node);
    assertEquals([heap.size, heap.next], [0, Infinity]);
  }));
});

Deno.test("timer heap: what is due comes in the order of its time when none was moved", () => {
  const heap = new TimerHeap<Node>();
  const times = [50, 10, 40, 20, 30, 60];
  for (const [id, deadline] of times.entries()) {
    heap.update({ id, deadline, heapTime: 0, heapIndex: -1 });
  }
  const seen: number[] = [];
  for (let node = heap.takeDue(55); node !== undefined; node = heap.takeDue(55)) {
    seen.push(node.deadline);
  }
  assertEquals(seen, [10, 20, 30, 40, 50]);
});
