import { assertEquals } from "@std/assert";
import { type RuleChange, ruleKind } from "../../../../src/host/changes/rule_change.ts";
import { withRoutes } from "../../../../src/host/with_routes.ts";
import { inNetNamespace, runHere } from "../../../support/net_namespace.ts";
import { rootTest } from "../../../support/root.ts";

const kind = ruleKind(withRoutes);
const RULES: readonly RuleChange[] = [
  { kind: "rule", family: 4, priority: 900, mark: 0x7a74, table: 254 },
  { kind: "rule", family: 4, priority: 901, mark: 0x7a74, action: "unreachable" },
  {
    kind: "rule",
    family: 6,
    priority: 902,
    to: "2001:db8::1/128",
    ipProtocol: 6,
    destinationPorts: { first: 1080, last: 1080 },
    table: 254,
  },
  { kind: "rule", family: 4, priority: 903, uids: { first: 1000, last: 1999 }, table: 254 },
  { kind: "rule", family: 4, priority: 904, table: 254, suppressPrefixLength: 0 },
  { kind: "rule", family: 6, priority: 905, table: 70_000 },
];

const listed = () => runHere("ip", "rule") + runHere("ip", "-6", "rule");

rootTest("a rule is made, found, and taken away", () =>
  inNetNamespace(() => {
    const before = listed();
    for (const rule of RULES) {
      assertEquals(kind.state(rule), "absent");
      void kind.apply(rule);
      assertEquals(kind.state(rule), "present", kind.command(rule));
    }
    for (const rule of RULES.toReversed()) void kind.undo(rule);
    assertEquals(listed(), before);
    for (const rule of RULES) void kind.undo(rule);
    assertEquals(listed(), before);
  }));

rootTest(
  "a rule is what its command makes, and its other command takes away",
  () =>
    inNetNamespace(() => {
      for (const rule of RULES) {
        runHere("sh", "-c", kind.command(rule));
        assertEquals(kind.state(rule), "present", kind.command(rule));
        runHere("sh", "-c", kind.undoCommand(rule));
        assertEquals(kind.state(rule), "absent", kind.undoCommand(rule));
      }
    }),
);

rootTest("a rule is read back from a journal as it was", () =>
  inNetNamespace(() => {
    for (const rule of RULES) {
      void kind.apply(rule);
      void kind.undo(JSON.parse(JSON.stringify(rule)));
      assertEquals(kind.state(rule), "absent");
    }
  }));
