import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { Errno, SysError } from "../../ffi/libc.ts";
import { readRule, ruleFields } from "../../ffi/netlink_rule_linux.ts";
import { sameFields } from "../../ffi/netlink_fields_linux.ts";
import type { IpFamily, PolicyRule } from "../../ffi/types.ts";
import { runHere } from "../support/net_namespace.ts";
import { rootTest } from "../support/root.ts";
import { ip, prefix, withLinks } from "../support/route_rig.ts";

/** One of every kind for a family. */
function everyKind(family: IpFamily): PolicyRule[] {
  const from = prefix(family === 4 ? "10.1.0.0/16" : "fd01::/16");
  const to = prefix(family === 4 ? "10.2.3.4/32" : "fd02::4/128");
  const rules: Omit<PolicyRule, "family" | "priority">[] = [
    { table: 70_000, mark: 0x7a74, invert: true },
    { table: 254, suppressPrefixLength: 0 },
    { table: 254, suppressPrefixLength: 1, protocol: 157 },
    { table: 70_000, mark: 0x0100, mask: 0xff00 },
    { table: 70_000, mark: 0, mask: 0x8000_0000 },
    { table: 70_000, from },
    { table: 70_000, to },
    { table: 70_000, from, to, invert: true },
    { table: 70_000, inputLink: "near" },
    { table: 70_000, outputLink: "not-there-yet" },
    { table: 70_000, uids: { first: 1000, last: 4_294_967_294 } },
    { table: 70_000, ipProtocol: 17, destinationPorts: { first: 53, last: 53 } },
    { table: 70_000, ipProtocol: 6, sourcePorts: { first: 1024, last: 65_534 } },
    { action: "unreachable" },
    { action: "prohibit", mark: 5 },
    { action: "blackhole", from },
  ];
  return rules.map((rule, index) => ({ family, priority: 5000 + index, ...rule }));
}

rootTest(
  "rules of every kind are added, found as they were given, and deleted one by one",
  () =>
    withLinks((routes) => {
      const before = routes.rules();
      const wanted = [...everyKind(4), ...everyKind(6)];
      for (const rule of wanted) routes.addRule(rule);
      assertEquals(routes.rules().length, before.length + wanted.length);
      for (const rule of wanted) assert(routes.hasRule(rule), JSON.stringify(rule));
      for (const [index, rule] of wanted.entries()) {
        routes.deleteRule(rule);
        assertEquals(wanted.map((each) => routes.hasRule(each)), wanted.map((_, i) => i > index));
      }
      assertEquals(routes.rules(), before);
    }),
);

rootTest("the rules that the kernel begins with are understood", () =>
  withLinks((routes) => {
    const kernel = { action: "lookup", protocol: 2 } as const;
    const common = [
      { ...kernel, priority: 0, table: 255 },
      { ...kernel, priority: 32_766, table: 254 },
    ];
    assertEquals(routes.rules(), [
      ...common.map((rule) => ({ family: 4 as const, ...rule })),
      { family: 4, ...kernel, priority: 32_767, table: 253 },
      ...common.map((rule) => ({ family: 6 as const, ...rule })),
    ]);
  }));

rootTest(
  "of two rules that differ in anything, none is deleted for the other",
  () =>
    withLinks((routes) => {
      const theirs: PolicyRule = {
        ...{ family: 4, priority: 100, table: 5, from: prefix("10.0.0.0/8"), protocol: 4 },
      };
      routes.addRule(theirs);
      const near: PolicyRule[] = [
        { family: 4, priority: 100, table: 5 },
        { ...theirs, family: 6, from: prefix("fd00::/8") },
        { ...theirs, priority: 101 },
        { ...theirs, invert: true },
        { ...theirs, protocol: 157 },
        { ...theirs, mark: 7 },
        { ...theirs, suppressPrefixLength: 0 },
      ];
      for (const rule of near) {
        const error = assertThrows(() => routes.deleteRule(rule), SysError, "exactly this");
        assertEquals(error.code, Errno.ENOENT);
      }
      assert(routes.hasRule(theirs));
      const exists = assertThrows(() => routes.addRule(theirs), SysError, "RTM_NEWRULE");
      assertEquals(exists.code, Errno.EEXIST);
    }),
);

rootTest(
  "rules that ask for more than is understood are not taken for ours",
  () =>
    withLinks((routes) => {
      ip(
        "rule add priority 10 tos 0x10 lookup 5 protocol static",
        "rule add priority 11 lookup 5 suppress_ifgroup 3 protocol static",
        "rule add priority 12 goto 32766 protocol static",
      );
      const ours = (priority: number): PolicyRule => ({ family: 4, priority, table: 5 });
      assertEquals([10, 11].map((priority) => routes.hasRule(ours(priority))), [false, false]);
      const listed = routes.rules().filter(({ priority }) => priority >= 10 && priority <= 12);
      assertEquals(listed.map(({ action, more = false }) => [action, more]), [
        ["lookup", true],
        ["lookup", true],
        ["goto", true],
      ]);
      assert(runHere("ip", "rule").includes("10:\tfrom all tos 0x10 lookup 5"));
    }),
);

const same = (a: PolicyRule, b: PolicyRule) => sameFields(ruleFields(a), ruleFields(b));

Deno.test("what is left out counts as what the kernel makes of it", () => {
  const rule: PolicyRule = { family: 4, priority: 1, mark: 7 };
  const said = { action: "lookup", table: 254, mask: 0xffff_ffff, protocol: 4 } as const;
  assert(same(rule, { ...rule, ...said, invert: false }));
  assert(!same(rule, { ...rule, mask: 0xff }));
  assert(!same(rule, { ...rule, more: true }));
  const any = { from: prefix("0.0.0.0/0"), to: prefix("0.0.0.0/0") };
  assert(same({ family: 4, priority: 1 }, { family: 4, priority: 1, mark: 0, mask: 0, ...any }));
  assert(!same({ family: 4, priority: 1 }, { family: 4, priority: 1, suppressPrefixLength: 0 }));
  // A table says nothing where none is looked up.
  assert(same({ ...rule, action: "prohibit", table: 5 }, { ...rule, action: "prohibit" }));
});

/** Tries; false where it is refused with that error, and with no other. */
function allowed(refusal: number, change: () => void): boolean {
  try {
    change();
    return true;
  } catch (error) {
    assert(error instanceof SysError && error.code === refusal, `${error}`);
    return false;
  }
}

rootTest(
  "of two rules of one priority, deleting one never takes the other",
  () =>
    withLinks((routes) => {
      const rules = everyKind(4).map((rule) => ({ ...rule, priority: 7 }));
      rules.push({ family: 4, priority: 7, table: 70_000 });
      const pairs = rules.flatMap((first) =>
        rules.filter((second) => second !== first).map((second) => [first, second] as const)
      );
      let refused = 0;
      for (const [first, second] of pairs) {
        routes.addRule(first);
        // The kernel itself takes one that says less of addresses for the one that is there.
        const there = allowed(Errno.EEXIST, () => routes.addRule(second));
        const gone = there && allowed(Errno.EBUSY, () => routes.deleteRule(second));
        assertEquals([routes.hasRule(first), routes.hasRule(second)], [true, there && !gone]);
        routes.deleteRule(first);
        if (there && !gone) routes.deleteRule(second);
        refused += there && !gone ? 1 : 0;
      }
      assertEquals(routes.rules().some(({ priority }) => priority === 7), false);
      // Only where the second says less than the first.
      assert(refused > 0 && refused < rules.length * 2, String(refused));
    }),
);

Deno.test("no message makes the reader fail", () => {
  fc.assert(fc.property(fc.uint8Array({ minLength: 12, maxLength: 200 }), (bytes) => {
    bytes[0] = bytes[0]! % 2 === 0 ? 2 : 10;
    bytes[7] = 1;
    readRule({ bytes, type: 32, flags: 0, sequence: 1, at: 0, end: bytes.length });
  }));
});
