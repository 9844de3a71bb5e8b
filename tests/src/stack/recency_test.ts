import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { RecencyList, type RecencyNode } from "../../../src/stack/recency.ts";

interface Node extends RecencyNode {
  readonly id: number;
}

Deno.test("recency list: the same as an array with the newest at the end", () => {
  const step = fc.record({ touches: fc.boolean(), id: fc.nat(9) });
  fc.assert(fc.property(fc.array(step, { maxLength: 100 }), (steps) => {
    const list = new RecencyList<Node>();
    const nodes = Array.from({ length: 10 }, (_, id): Node => ({
      id,
      newer: undefined,
      older: undefined,
    }));
    let twin: Node[] = [];
    for (const { touches, id } of steps) {
      const node = nodes[id]!;
      const listed = twin.includes(node);
      if (touches) {
        if (listed) list.touch(node);
        else list.add(node);
        twin = [...twin.filter((other) => other !== node), node];
      } else if (listed) {
        list.remove(node);
        twin = twin.filter((other) => other !== node);
      }
      const order: number[] = [];
      for (let at = list.oldest; at !== undefined; at = at.newer as Node | undefined) {
        order.push(at.id);
      }
      assertEquals(order, twin.map((other) => other.id));
    }
  }));
});
