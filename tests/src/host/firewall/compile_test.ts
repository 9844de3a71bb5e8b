import { assertThrows } from "@std/assert";
import fc from "fast-check";
import { parseAddress } from "../../../../src/addr/address.ts";
import { parsePrefix } from "../../../../src/addr/prefix.ts";
import { compileTable } from "../../../../src/host/firewall/compile.ts";
import {
  accept,
  back,
  type Chain,
  drop,
  has,
  hasMark,
  inSet,
  is,
  isNot,
  jump,
  type NamedSet,
  oneOf,
  Priority,
  type Rule,
  setMark,
  type Statement,
  type Table,
} from "../../../../src/host/firewall/rule.ts";
import { inNetNamespace } from "../../../support/net_namespace.ts";
import { assertSameAsNft } from "../../../support/nft.ts";
import { rootTest } from "../../../support/root.ts";
import { withCgroup } from "../../../support/cgroup.ts";

const ip = (text: string) => parseAddress(text)!;
const net = (text: string) => parsePrefix(text)!;
const PART = { value: 0x12, mask: 0xff };
const WHOLE = { value: 0x7a74, mask: 0xffff_ffff };

const SETS: readonly NamedSet[] = [
  { name: "near4", field: "ip daddr", prefixes: ["10.0.0.0/9", "10.128.0.0/9"].map(net) },
  { name: "high4", field: "ip daddr", prefixes: ["224.0.0.0/3", "0.0.0.0/8"].map(net) },
  { name: "near6", field: "ip6 daddr", prefixes: ["fe80::/10", "fc00::/7", "ff00::/8"].map(net) },
  { name: "all4", field: "ip daddr", prefixes: [net("0.0.0.0/0")] },
  { name: "none4", field: "ip daddr", prefixes: [] },
  { name: "users", fields: ["meta skuid"], values: [[7], [1000], [4_294_967_000]] },
  { name: "marks", fields: ["meta mark"], values: [[1], [0xca6c_0000]] },
  { name: "links", fields: ["iifname"], values: [["eth0"], ["docker0"]] },
  {
    name: "ends4",
    fields: ["ip daddr", "th dport"],
    values: [[ip("192.0.2.1"), 1080], [ip("192.0.2.2"), 443]],
  },
  {
    name: "ends6",
    fields: ["ip6 daddr", "meta l4proto", "th dport"],
    values: [[ip("2001:db8::1"), "tcp", 1080], [ip("2001:db8::1"), "udp", 53]],
  },
];

/** Each field with a value, and with the opposite. */
const MATCHES: readonly Statement[] = [
  is("meta nfproto", "ipv6"),
  is("meta l4proto", "udp"),
  isNot("meta l4proto", 132),
  is("meta mark", 0x1234),
  isNot("meta mark", 0),
  hasMark("meta mark", PART),
  { kind: "masked", field: "ct mark", mask: 0xff00, value: 0x100, not: true },
  is("meta skuid", 1000),
  isNot("meta skuid", 0),
  { kind: "between", field: "meta skuid", from: 100_000, to: 165_535 },
  { kind: "between", field: "meta skgid", from: 5, to: 9, not: true },
  oneOf("meta skuid", [1, 2, 300]),
  { kind: "oneOf", field: "meta skgid", values: [4, 5], not: true },
  is("meta cgroup", 65_537),
  is("iif", 1),
  isNot("oif", 1),
  is("iifname", "ztun0"),
  isNot("oifname", "lo"),
  is("iifname", "docker*"),
  isNot("oifname", "br-*"),
  oneOf("oifname", ["eth0", "eth1"]),
  { kind: "oneOf", field: "iifname", values: ["ztun0", "lo"], not: true },
  is("iiftype", 772),
  is("oiftype", 1),
  has("ct state", "established", "related"),
  has("ct state", "new"),
  has("ct status", "dnat"),
  is("ct direction", "reply"),
  isNot("ct direction", "original"),
  is("ct mark", 0x55),
  is("ip saddr", ip("192.0.2.7")),
  isNot("ip daddr", ip("192.0.2.7")),
  { kind: "within", field: "ip daddr", prefix: net("172.16.0.0/12") },
  { kind: "within", field: "ip saddr", prefix: net("192.0.2.128/25"), not: true },
  is("ip6 saddr", ip("2001:db8::7")),
  { kind: "within", field: "ip6 daddr", prefix: net("fe80::/10") },
  oneOf("ip6 daddr", [ip("ff02::1"), ip("ff02::2")]),
  is("th sport", 53),
  { kind: "between", field: "th dport", from: 1, to: 1023 },
  is("tcp dport", 22),
  { kind: "between", field: "tcp sport", from: 5, to: 6, not: true },
  is("udp dport", 547),
  oneOf("udp sport", [67, 68]),
  has("tcp flags", "syn"),
  { kind: "masked", field: "tcp flags", mask: 0x17, value: 2 },
  { kind: "masked", field: "tcp flags", mask: 6, value: 2, not: true },
  is("icmp type", "echo-request"),
  oneOf("icmpv6 type", [133, 134, 135, 136]),
  is("fib daddr type", "local"),
  inSet("near4", "ip daddr"),
  { kind: "inSet", fields: ["ip daddr"], set: "high4", not: true },
  inSet("near6", "ip6 saddr"),
  inSet("all4", "ip saddr"),
  inSet("none4", "ip daddr"),
  inSet("users", "meta skuid"),
  inSet("marks", "meta mark"),
  inSet("links", "iifname"),
  inSet("ends4", "ip daddr", "th dport"),
  inSet("ends6", "ip6 daddr", "meta l4proto", "th dport"),
];

const ACTIONS: readonly Statement[] = [
  accept,
  drop,
  back,
  jump("side"),
  { kind: "counter" },
  { kind: "counter", name: "refused" },
  setMark("meta mark", WHOLE),
  setMark("meta mark", PART),
  setMark("ct mark", WHOLE),
  setMark("ct mark", PART),
  { kind: "limit", rate: 5, per: "second", burst: 10 },
  { kind: "limit", rate: 100, per: "minute", burst: 5, over: true },
  { kind: "limit", rate: 3, per: "hour", burst: 1 },
];

const REJECTIONS: readonly Statement[] = [
  { kind: "reject", with: "no-route" },
  { kind: "reject", with: "port-unreachable" },
  { kind: "reject", with: "host-unreachable" },
  { kind: "reject", with: "admin-prohibited" },
];

const CLAMPS: readonly Rule[] = [
  [has("tcp flags", "syn"), { kind: "clampMss", to: "route" }],
  [is("oifname", "ztun0"), has("tcp flags", "syn"), { kind: "clampMss", to: 1360 }],
  [{ kind: "clampMss", to: 1200 }],
];

const TRANSLATIONS: readonly Rule[] = [
  [is("tcp dport", 53), { kind: "redirect", port: 1053 }],
  [
    is("meta nfproto", "ipv4"),
    is("udp dport", 53),
    { kind: "dnat", address: ip("192.0.2.53"), port: 5353 },
  ],
  [
    is("meta nfproto", "ipv6"),
    is("udp dport", 53),
    { kind: "dnat", address: ip("2001:db8::53"), port: 5353 },
  ],
  [{ kind: "within", field: "ip daddr", prefix: net("198.51.100.0/24") }, {
    kind: "dnat",
    address: ip("192.0.2.9"),
  }],
];

const LEAVING: readonly Rule[] = [[is("oifname", "eth0"), { kind: "masquerade" }]];

function tableOf(rules: readonly Rule[]): Table {
  return {
    name: "ztun_test",
    counters: ["refused"],
    sets: SETS,
    chains: [
      {
        name: "output",
        hook: { type: "filter", hook: "output", priority: Priority.Filter, policy: "drop" },
        rules,
      },
      { name: "side", rules: [[back]] },
      {
        name: "mangle",
        hook: { type: "route", hook: "output", priority: Priority.Mangle, policy: "accept" },
        rules: [],
      },
    ],
  };
}

const NAT: readonly Chain[] = [
  {
    name: "arrive",
    hook: { type: "nat", hook: "prerouting", priority: Priority.DestinationNat, policy: "accept" },
    rules: TRANSLATIONS,
  },
  {
    name: "leave",
    hook: { type: "nat", hook: "postrouting", priority: Priority.SourceNat, policy: "accept" },
    rules: LEAVING,
  },
];

/** Neither which IP version it is nor which protocol nor device type: `nft` refuses to ask for two in one rule. */
function isNeutral(match: Statement): boolean {
  return "field" in match && /^(meta (?!nfproto|l4proto)|[io]if(?!type)|ct|fib)/.test(match.field);
}

rootTest(
  "every match is what nft makes of its text",
  () => inNetNamespace(() => assertSameAsNft(tableOf(MATCHES.map((match) => [match, accept])))),
);

rootTest("every action is what nft makes of its text", () =>
  inNetNamespace(() => {
    const rules = [...ACTIONS, ...REJECTIONS].map((action) => [is("meta mark", 1), action]);
    const reset: Rule = [is("meta l4proto", "tcp"), { kind: "reject", with: "tcp reset" }];
    const table = tableOf([...rules, reset, ...CLAMPS]);
    assertSameAsNft({ ...table, chains: [...table.chains, ...NAT] });
  }));

rootTest(
  "control groups are found by their number, as nft finds them by path",
  () =>
    withCgroup((cgroup) =>
      inNetNamespace(() =>
        assertSameAsNft(tableOf([
          [{ kind: "cgroup", cgroup }, accept],
          [{ kind: "cgroup", cgroup, not: true }, is("tcp dport", 80), drop],
        ]))
      )
    ),
);

rootTest("any rule is what nft makes of its text", () =>
  inNetNamespace(() => {
    const rule = fc.tuple(
      fc.subarray(MATCHES.filter(isNeutral), { maxLength: 3 }),
      fc.subarray(MATCHES.filter((match) => !isNeutral(match)), { maxLength: 1 }),
      fc.constantFrom(...ACTIONS, ...REJECTIONS),
    ).map(([some, one, action]): Rule => [...some, ...one, action]);
    fc.assert(
      fc.property(fc.array(rule, { minLength: 30, maxLength: 60 }), (rules) => {
        assertSameAsNft(tableOf(rules));
      }),
      { numRuns: 5, seed: 4 },
    );
  }));

Deno.test("what cannot be is refused before the kernel sees it", () => {
  const compile = (...rule: Statement[]) => () => compileTable(tableOf([rule]));
  assertThrows(compile(inSet("absent", "ip daddr")), TypeError, "absent");
  assertThrows(compile(has("ct state", "odd")), TypeError, "odd");
  assertThrows(compile(is("meta l4proto", "odd")), TypeError, "odd");
  assertThrows(compile(is("oifname", "sixteen-letters!")), RangeError, "sixteen");
  assertThrows(compile({ kind: "reject", with: "tcp reset" }), TypeError, "TCP");
  assertThrows(compile(oneOf("oifname", ["lo", "eth*"])), TypeError, "eth*");
  assertThrows(compile(is("oifname", "*")), RangeError, "*");
});
