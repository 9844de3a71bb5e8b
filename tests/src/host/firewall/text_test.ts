import { assertEquals } from "@std/assert";
import { parseAddress } from "../../../../src/addr/address.ts";
import { parsePrefix } from "../../../../src/addr/prefix.ts";
import {
  accept,
  counted,
  has,
  hasMark,
  inSet,
  is,
  isNot,
  oneOf,
  setMark,
  tableName,
} from "../../../../src/host/firewall/rule.ts";
import {
  deletionCommand,
  replacementCommand,
  ruleText,
  tableText,
} from "../../../../src/host/firewall/text.ts";

// That `nft` understands every text as we mean it is tested where rules are compiled.

Deno.test("a rule reads as nft writes it", () => {
  const part = { value: 0x12, mask: 0xff };
  assertEquals(
    ruleText([is("oifname", "ztun0"), isNot("meta skuid", 0), setMark("meta mark", part)]),
    'oifname "ztun0" meta skuid != 0 meta mark set meta mark & 0xffffff00 | 0x00000012',
  );
  assertEquals(
    ruleText([hasMark("ct mark", part), has("ct state", "new", "related"), counted("seen")]),
    'ct mark & 0x000000ff == 0x00000012 ct state new,related counter name "seen"',
  );
  assertEquals(
    ruleText([oneOf("icmpv6 type", [133, "nd-router-advert"]), accept]),
    "icmpv6 type { nd-router-solicit, nd-router-advert } accept",
  );
  const cgroup = { path: "a.slice/b.service", level: 2, id: 7 };
  assertEquals(
    ruleText([{ kind: "cgroup", cgroup }, {
      kind: "masked",
      field: "tcp flags",
      mask: 6,
      value: 2,
    }]),
    'socket cgroupv2 level 2 "a.slice/b.service" tcp flags & (syn | rst) == syn',
  );
  const address = parseAddress("2001:db8::1")!;
  assertEquals(
    ruleText([{ kind: "dnat", address, port: 53 }]),
    "dnat ip6 to [2001:db8::1]:53",
  );
});

Deno.test("a table reads as nft lists it, and its command replaces what is there", () => {
  const table = {
    name: "ztun_test",
    counters: ["refused"],
    sets: [{ name: "lan", field: "ip daddr", prefixes: [parsePrefix("10.0.0.0/8")!] }],
    chains: [{
      name: "output",
      hook: { type: "filter", hook: "output", priority: -150, policy: "drop" },
      rules: [[inSet("lan", "ip daddr"), accept]],
    }],
  } as const;
  const text = `table inet ztun_test {
\tcounter refused {
\t}

\tset lan {
\t\ttype ipv4_addr
\t\tflags interval
\t\telements = { 10.0.0.0/8 }
\t}

\tchain output {
\t\ttype filter hook output priority -150; policy drop;
\t\tip daddr @lan accept
\t}
}
`;
  assertEquals(tableText(table), text);
  assertEquals(
    replacementCommand(table),
    "nft -f - <<'END'\n" +
      `table inet ztun_test\ndelete table inet ztun_test\n${text}END`,
  );
  assertEquals(deletionCommand("ztun_test"), "nft delete table inet ztun_test");
});

Deno.test("a table's name tells devices apart and has no character that nft stumbles over", () => {
  assertEquals(tableName("mark", "ztun0"), "ztun_mark_ztun0");
  assertEquals(tableName("mark", "my-tun.1"), "ztun_mark_my_2dtun_2e1");
});
