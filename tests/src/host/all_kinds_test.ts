import { assert, assertEquals, assertThrows } from "@std/assert";
import { hostKinds } from "../../../src/host/all_kinds.ts";
import { type Change, kindOf } from "../../../src/host/change.ts";
import type { RouteChange } from "../../../src/host/changes/route_change.ts";
import type { RuleChange } from "../../../src/host/changes/rule_change.ts";
import type { TableChange } from "../../../src/host/changes/table_change.ts";
import { inNetNamespace, runHere } from "../../support/net_namespace.ts";
import { rootTest } from "../../support/root.ts";

const TABLE = { name: "ztun_mark_test0", counters: [], sets: [], chains: [] };
const ROUTE: RouteChange = {
  kind: "route",
  destination: "192.0.2.0/24",
  table: 77,
  type: "unreachable",
};
const RULE: RuleChange = { kind: "rule", family: 4, priority: 99, table: 77 };

Deno.test("all kinds: those that a tunnel makes, by the names that journals have", () => {
  assertEquals(Object.keys(hostKinds()).toSorted(), [
    "cgroup",
    "cgroup-mark",
    "cgroup-move",
    "command",
    "directory",
    "file",
    "route",
    "routes",
    "rule",
    "socket-marks",
    "sysctl",
    "table",
  ]);
});

Deno.test("all kinds: only what is in files or done by programs outlives a boot", () => {
  const kinds = hostKinds();
  for (
    const kind of [
      "cgroup",
      "cgroup-mark",
      "cgroup-move",
      "route",
      "routes",
      "rule",
      "socket-marks",
    ]
  ) {
    assertEquals(kinds[kind]!.outlivesBoot({ kind }), false, kind);
  }
});

rootTest(
  "all kinds: what goes into a table is needed to make it, not to undo it",
  () =>
    inNetNamespace(() => {
      const change: TableChange = { kind: "table", name: TABLE.name };
      const makes = hostKinds(new Map([[TABLE.name, TABLE]]))["table"]!;
      void makes.apply(change);
      const undoes = hostKinds()["table"]!;
      assertThrows(() => undoes.apply(change), TypeError, "Nobody has planned");
      assertEquals(undoes.state(change), "present");
      void undoes.undo(change);
      assertEquals(undoes.state(change), "absent");
    }),
);

rootTest(
  "all kinds: a route and a rule are made, known again, and undone",
  () =>
    inNetNamespace(() => {
      runHere("ip", "link", "set", "lo", "up");
      for (const change of [ROUTE, RULE] as Change[]) {
        const kind = kindOf(hostKinds(), change);
        assert(kind.exclusive);
        assertEquals(kind.state(change), "absent");
        void kind.apply(change);
        assertEquals(kind.state(change), "present");
        void kind.undo(change);
        void kind.undo(change);
        assertEquals(kind.state(change), "absent");
      }
    }),
);
