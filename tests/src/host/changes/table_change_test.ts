import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { replaceTable, tableKind } from "../../../../src/host/changes/table_change.ts";
import { drop, is, Priority, type Table } from "../../../../src/host/firewall/rule.ts";
import { inNetNamespace, runHere } from "../../../support/net_namespace.ts";
import { rootTest } from "../../../support/root.ts";

const table = (device: string): Table => ({
  name: "ztun_test",
  counters: [],
  sets: [],
  chains: [{
    name: "output",
    hook: { type: "filter", hook: "output", priority: Priority.Filter, policy: "accept" },
    rules: [[is("oifname", device), drop]],
  }],
});
const CHANGE = { kind: "table", name: "ztun_test" } as const;

rootTest(
  "a firewall table is made, made anew, and taken away by its name alone",
  () =>
    inNetNamespace(() => {
      const kind = tableKind(new Map([[CHANGE.name, table("first")]]));
      assertEquals(kind.state(CHANGE), "absent");
      void kind.apply(CHANGE);
      assertEquals(kind.state(CHANGE), "present");
      replaceTable(table("second"));
      assertStringIncludes(runHere("nft", "list", "ruleset"), '"second"');
      const nobodys = tableKind(new Map());
      assertEquals(nobodys.state(CHANGE), "present");
      void nobodys.undo(CHANGE);
      assertEquals(runHere("nft", "list", "ruleset"), "");
      void nobodys.undo(CHANGE);
    }),
);

rootTest("a firewall table is what its command makes", () =>
  inNetNamespace(() => {
    const kind = tableKind(new Map([[CHANGE.name, table("first")]]));
    runHere("sh", "-c", kind.command(CHANGE));
    assertEquals(kind.state(CHANGE), "present");
    runHere("sh", "-c", kind.undoCommand(CHANGE));
    assertEquals(kind.state(CHANGE), "absent");
  }));

Deno.test("a firewall table that nobody has planned is not made", () => {
  assertThrows(() => tableKind(new Map()).apply(CHANGE), TypeError, "Nobody has planned");
});
