import { assertEquals } from "@std/assert";
import { withAncestors, withChildren } from "../../../../src/host/owner/family.ts";
import { process } from "../../../support/processes.ts";

const all = [
  process(1, { parent: 0 }),
  process(10, { parent: 1 }),
  process(11, { parent: 10 }),
  process(12, { parent: 11 }),
  process(13, { parent: 10 }),
  process(20, { parent: 1 }),
];
const pids = (found: readonly { pid: number }[]) => found.map(({ pid }) => pid).toSorted();

Deno.test("children and theirs belong to a process, neighbours do not", () => {
  assertEquals(pids(withChildren(all, [all[1]!])), [10, 11, 12, 13]);
  assertEquals(pids(withChildren(all, [all[1]!, all[2]!])), [10, 11, 12, 13]);
});

Deno.test("who is apart is left out with all below", () => {
  assertEquals(pids(withChildren(all, [all[1]!], ({ pid }) => pid === 11)), [10, 13]);
});

Deno.test("ancestors end at the first process, and at a circle", () => {
  assertEquals([...withAncestors(all, 12)], [12, 11, 10, 1, 0]);
  assertEquals([...withAncestors([process(5, { parent: 6 }), process(6, { parent: 5 })], 5)], [
    5,
    6,
  ]);
});
