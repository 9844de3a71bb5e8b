import { assertEquals, assertRejects } from "@std/assert";
import { RuleSlots } from "../../../src/capture/rule_slots.ts";
import type { Change, ChangeKind } from "../../../src/host/change.ts";
import type { RuleChange } from "../../../src/host/changes/rule_change.ts";
import { Transaction } from "../../../src/host/transaction.ts";
import { FakeHost } from "../../support/fake_host.ts";

/** Rules that are there, by their priority. */
function slots(host: FakeHost, there: Set<number>): RuleSlots {
  const rule: ChangeKind = {
    what: () => "add a rule",
    command: () => "",
    undoCommand: () => "",
    apply: (change) => void there.add(priorityOf(change)),
    state: (change) => there.has(priorityOf(change)) ? "present" : "absent",
    difference: () => "",
    undo: (change) => void there.delete(priorityOf(change)),
    outlivesBoot: () => false,
    exclusive: true,
  };
  const transaction = new Transaction({
    kinds: { rule },
    log: host.log,
    openJournal: () => host.openJournal(),
  });
  return new RuleSlots(transaction, { first: 100, count: 3, size: 2 });
}

const priorityOf = (change: Change) => (change as RuleChange).priority;

const pair = (priority: number): RuleChange[] =>
  [priority, priority + 1].map((each) => ({ kind: "rule", family: 4, priority: each }));

Deno.test("rule slots: each has a place of its own, and is made once", async () => {
  using host = new FakeHost();
  const there = new Set<number>();
  const rules = slots(host, there);
  for (const key of ["a", "b", "a"]) await rules.add(key, pair);
  assertEquals([...there], [100, 101, 102, 103]);
});

Deno.test("rule slots: the oldest goes when all are taken", async () => {
  using host = new FakeHost();
  const there = new Set<number>();
  const rules = slots(host, there);
  for (const key of ["a", "b", "c", "d", "e"]) await rules.add(key, pair);
  assertEquals([rules.has("a"), rules.has("b"), rules.has("c")], [false, false, true]);
  assertEquals([...there].toSorted(), [100, 101, 102, 103, 104, 105]);
});

Deno.test("rule slots: a place that is left is taken again", async () => {
  using host = new FakeHost();
  const there = new Set<number>();
  const rules = slots(host, there);
  for (const key of ["a", "b", "c"]) await rules.add(key, pair);
  await rules.retain(new Set(["a", "c"]));
  assertEquals([...there], [100, 101, 104, 105]);
  await rules.add("d", pair);
  assertEquals([...there].toSorted(), [100, 101, 102, 103, 104, 105]);
});

Deno.test("rule slots: what was renewed is not the oldest", async () => {
  using host = new FakeHost();
  const rules = slots(host, new Set());
  for (const key of ["a", "b", "c"]) await rules.add(key, pair);
  rules.renew(["a", "nobody"]);
  await rules.add("d", pair);
  assertEquals(["a", "b", "c", "d"].map((key) => rules.has(key)), [true, false, true, true]);
  assertEquals(rules.full, true);
});

Deno.test("rule slots: of rules that could not be made nothing is left, and their place is free", async () => {
  using host = new FakeHost();
  const there = new Set<number>();
  const rules = slots(host, there);
  const half = (priority: number): RuleChange[] => [...pair(priority).slice(0, 1), ...pair(666)];
  await rules.add("a", half);
  await assertRejects(() => rules.add("b", (priority) => [...pair(priority), ...pair(666)]));
  assertEquals([rules.has("b"), [...there].toSorted()], [false, [100, 666, 667]]);
  await rules.add("b", pair);
  assertEquals([...there].toSorted(), [100, 102, 103, 666, 667]);
});
