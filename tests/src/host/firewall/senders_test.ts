import { assertEquals } from "@std/assert";
import { ruleText } from "../../../../src/host/firewall/text.ts";
import {
  interfaceMatches,
  NOBODY,
  otherInterfaces,
  senderMatches,
} from "../../../../src/host/firewall/senders.ts";

Deno.test("users and control groups are matched one by one", () => {
  const cgroup = { path: "a/b", level: 2, id: 9 };
  const users = [{ from: 7, to: 7 }, { from: 10, to: 20 }];
  assertEquals(senderMatches({ users, cgroups: [cgroup] }).map((match) => ruleText([match])), [
    "meta skuid 7",
    "meta skuid 10-20",
    'socket cgroupv2 level 2 "a/b"',
  ]);
  assertEquals(senderMatches(NOBODY), []);
});

Deno.test("whole names go into one set, patterns do not", () => {
  const names = ["eth0", "br-*", "eth1"];
  assertEquals(interfaceMatches("iifname", names).map((match) => ruleText([match])), [
    'iifname { "eth0", "eth1" }',
    'iifname "br-*"',
  ]);
  assertEquals(
    ruleText(otherInterfaces("oifname", names)),
    'oifname != { "eth0", "eth1" } oifname != "br-*"',
  );
  assertEquals(ruleText(otherInterfaces("oifname", ["lo"])), 'oifname != "lo"');
  assertEquals(interfaceMatches("iifname", []), []);
});
