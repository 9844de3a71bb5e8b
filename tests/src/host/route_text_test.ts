import { assertEquals } from "@std/assert";
import type { IpFamily, PolicyRule, Route } from "../../../ffi/types.ts";
import { routeCommand, ruleCommand } from "../../../src/host/route_text.ts";
import { runHere } from "../../support/net_namespace.ts";
import { rootTest } from "../../support/root.ts";
import { address, prefix, withLinks } from "../../support/route_rig.ts";

function everyRoute(link: number): Route[] {
  const table = 70_000;
  const types = ["unreachable", "blackhole", "prohibit", "throw"] as const;
  const refusing = (text: string) =>
    types.map((type, index) => ({ destination: prefix(text), type, table, metric: index + 1 }));
  return [
    { destination: prefix("203.0.113.0/24"), link },
    { destination: prefix("0.0.0.0/0"), link, table, gateway: address("192.0.2.9"), metric: 7 },
    {
      destination: prefix("198.51.100.7/32"),
      link,
      table,
      source: address("192.0.2.1"),
      mtu: 1400,
    },
    {
      ...{ destination: prefix("198.51.100.8/32"), link, table, advmss: 1300, mtu: 1340 },
      ...{ gateway: address("203.0.113.77"), onLink: true, protocol: 157 },
    },
    { destination: prefix("198.51.100.9/32"), link, gateway: address("fe80::9") },
    { destination: prefix("198.51.100.10/32"), link, tos: 16 },
    { destination: prefix("2001:db8:1::/48"), link, protocol: 157 },
    { destination: prefix("::/0"), link, table, gateway: address("2001:db8::9"), metric: 7 },
    { destination: prefix("2001:db8:2::/48"), link, source: address("2001:db8::1"), mtu: 1400 },
    {
      ...{ destination: prefix("2001:db8:3::/48"), link, advmss: 1320 },
      ...{ gateway: address("2001:db8:ff::1"), onLink: true },
    },
    { destination: prefix("2001:db8:4::/48"), link, from: prefix("2001:db8:aa::/48") },
    ...refusing("10.0.0.0/8"),
    ...refusing("fd00::/8"),
  ];
}

function everyRule(family: IpFamily): PolicyRule[] {
  const from = prefix(family === 4 ? "10.1.0.0/16" : "fd01::/16");
  const to = prefix(family === 4 ? "10.2.3.4/32" : "fd02::4/128");
  const rules: Omit<PolicyRule, "family" | "priority">[] = [
    { table: 70_000, mark: 0x7a74, invert: true, protocol: 157 },
    { suppressPrefixLength: 0 },
    { table: 5, mark: 0x0100, mask: 0xff00, inputLink: "near", outputLink: "far" },
    { table: 5, from, to, invert: true },
    { table: 5, uids: { first: 1000, last: 1999 } },
    { table: 5, ipProtocol: 17, destinationPorts: { first: 53, last: 53 } },
    { table: 5, ipProtocol: 6, sourcePorts: { first: 1024, last: 2048 } },
    { action: "unreachable", mark: 0, mask: 1 },
    { action: "prohibit", to },
    { action: "blackhole", from },
  ];
  return rules.map((rule, index) => ({ family, priority: 5000 + index, ...rule }));
}

/** Everything that `ip` and we can see of routes and rules, in this namespace. */
function state(): string {
  const lists = ["route", "-6 route", "rule", "-6 rule"];
  const commands = lists.map((list) =>
    `ip -d ${list} show ${list.endsWith("route") ? "table all" : ""}`
  );
  return runHere("sh", "-ec", commands.join("; ")).replaceAll(/ expires \S+/g, "");
}

rootTest(
  "routes: the commands that are shown do the same by hand, and undo it",
  () =>
    withLinks((routes, link) => {
      const wanted = everyRoute(link);
      const before = state();
      for (const route of wanted) routes.addRoute(route);
      const [made, listed] = [state(), routes.routes()];
      for (const route of wanted) routes.deleteRoute(route);
      assertEquals(state(), before);
      const commands = (verb: "add" | "del") =>
        wanted.map((route) => routeCommand(verb, route, () => "near")).join("\n");
      runHere("sh", "-ec", commands("add"));
      assertEquals(state(), made);
      assertEquals(routes.routes(), listed);
      runHere("sh", "-ec", commands("del"));
      assertEquals(state(), before);
    }),
);

rootTest(
  "rules: the commands that are shown do the same by hand, and undo it",
  () =>
    withLinks((routes) => {
      const wanted = [...everyRule(4), ...everyRule(6)];
      const before = state();
      for (const rule of wanted) routes.addRule(rule);
      const [made, listed] = [state(), routes.rules()];
      for (const rule of wanted) routes.deleteRule(rule);
      assertEquals(state(), before);
      runHere("sh", "-ec", wanted.map((rule) => ruleCommand("add", rule)).join("\n"));
      assertEquals(state(), made);
      assertEquals(routes.rules(), listed);
      runHere("sh", "-ec", wanted.map((rule) => ruleCommand("del", rule)).join("\n"));
      assertEquals(state(), before);
    }),
);

Deno.test("commands read as somebody would type them", () => {
  const route: Route = {
    destination: prefix("::/0"),
    link: 3,
    gateway: address("fe80::1"),
    table: 51_820,
  };
  assertEquals(
    routeCommand("add", route, (link) => `eth${link}`),
    "ip -6 route add ::/0 via fe80::1 dev eth3 table 51820 proto static",
  );
  const rule: PolicyRule = {
    ...{ family: 4, priority: 99, table: 51_820, mark: 0x7a, invert: true, protocol: 157 },
  };
  assertEquals(
    ruleCommand("del", rule),
    "ip rule del not priority 99 fwmark 0x7a lookup 51820 protocol 157",
  );
});
