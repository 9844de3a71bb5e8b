import { assert, assertEquals, assertThrows } from "@std/assert";
import type { PolicyRule } from "../../../ffi/types.ts";
import { parseAddress } from "../../../src/addr/address.ts";
import {
  freePriority,
  freeTable,
  internalRule,
  lanRule,
  planOutside,
  planRoutes,
  planRules,
  proxyRules,
  type RoutingSettings,
  ruleBefore,
  slotRanges,
  userRules,
} from "../../../src/capture/routing.ts";
import { UserError } from "../../../src/errors.ts";

const PLAN = { table: 900, mark: 0x7a74, priority: 1000, outside: 254 };
const EVERYTHING: RoutingSettings = {
  device: "ztun0",
  carried: new Set([4, 6] as const),
  families: [4, 6],
  include: [],
  bypass: [],
  lan: true,
  dns: true,
};

const shown = (routes: ReturnType<typeof planRoutes>) =>
  routes.map(({ destination, device, type }) => `${destination} ${device ?? type}`);

Deno.test("routing: everything of both families goes into the device", () => {
  assertEquals(shown(planRoutes(PLAN, EVERYTHING)), [
    "224.0.0.0/4 throw",
    "255.255.255.255/32 throw",
    "169.254.0.0/16 throw",
    "0.0.0.0/0 ztun0",
    "0.0.0.0/0 unreachable",
    "::/0 ztun0",
    "::/0 unreachable",
  ]);
});

Deno.test("routing: a family that the device does not carry is refused, not leaked", () => {
  const routes = planRoutes(PLAN, { ...EVERYTHING, carried: new Set([4] as const), lan: false });
  assertEquals(shown(routes), ["0.0.0.0/0 ztun0", "0.0.0.0/0 unreachable", "::/0 unreachable"]);
  assert(planRules(PLAN, EVERYTHING).some(({ family }) => family === 6));
});

Deno.test("routing: a family that the kernel does not know is left out", () => {
  const settings = { ...EVERYTHING, families: [4] as const, carried: new Set([4] as const) };
  assert(!shown(planRoutes(PLAN, settings)).some((line) => line.startsWith("::")));
  assert(planRules(PLAN, settings).every(({ family }) => family === 4));
});

Deno.test("routing: only what is included, without what is bypassed", () => {
  const settings = { ...EVERYTHING, include: ["10.0.0.0/8"], bypass: ["10.1.0.0/16"], lan: false };
  assertEquals(shown(planRoutes(PLAN, settings)), [
    "10.1.0.0/16 throw",
    "10.0.0.0/8 ztun0",
    "10.0.0.0/8 unreachable",
  ]);
  assert(planRules(PLAN, settings).every(({ family }) => family === 4));
});

Deno.test("routing: who has the mark stays outside, or goes nowhere", () => {
  const [first, second] = planOutside(PLAN, EVERYTHING);
  assertEquals(first, { kind: "rule", family: 4, mark: 0x7a74, priority: 1001, table: 254 });
  const nowhere = { kind: "rule", family: 4, mark: 0x7a74, priority: 1002, action: "unreachable" };
  assertEquals(second, nowhere as typeof second);
});

Deno.test("routing: questions for names come before the LAN, the LAN before everything", () => {
  const { lan } = slotRanges(PLAN);
  const rules = planRules(PLAN, EVERYTHING).filter(({ family }) => family === 6);
  assertEquals(rules.map(({ ipProtocol }) => ipProtocol), [6, 17, undefined]);
  const [tcp, udp, everything] = rules.map(({ priority }) => priority);
  const [near] = lanRule("10.0.0.0/8", lan.first);
  assertEquals(near!.suppressPrefixLength, 0);
  assert(tcp! < udp! && udp! < lan.first && lan.first + lan.count <= everything!);
  assertEquals(rules[2], { kind: "rule", family: 6, priority: 1239, table: 900 });
});

Deno.test("routing: no two rules of one family have the same priority", () => {
  const { proxies, users, internal, lan } = slotRanges(PLAN);
  const range = { from: 1, to: 1 };
  const rules = [
    ...[...planOutside(PLAN, EVERYTHING), ...planRules(PLAN, EVERYTHING)]
      .filter(({ family }) => family === 4),
    ...places(proxies).flatMap((priority) =>
      proxyRules(PLAN, { address: parseAddress("192.0.2.1")!, port: 1080 }, priority)
    ),
    ...places(users).flatMap((priority) => userRules(PLAN, range, [4], priority)),
    ...places(internal).flatMap((priority) => internalRule("172.17.0.0/16", priority)),
    ...places(lan).flatMap((priority) => lanRule("10.0.0.0/8", priority)),
  ];
  const priorities = rules.map(({ priority }) => priority);
  assertEquals(new Set(priorities).size, priorities.length);
  assert(priorities.every((priority) => priority >= 1000 && priority < 1240));
});

function places({ first, count, size }: { first: number; count: number; size: number }): number[] {
  return Array.from({ length: count }, (_, index) => first + index * size);
}

Deno.test("routing: connections to the proxy are known by address and port", () => {
  const [rule] = proxyRules(PLAN, { address: parseAddress("2001:db8::1")!, port: 1080 }, 1002);
  assertEquals(rule, {
    kind: "rule",
    family: 6,
    to: "2001:db8::1/128",
    ipProtocol: 6,
    destinationPorts: { first: 1080, last: 1080 },
    priority: 1003,
    table: 254,
  });
});

Deno.test("routing: a table that nobody uses is found, and one in use refused", () => {
  assertEquals(freeTable(0, new Set([254])), 0x7a74);
  assertEquals(freeTable(0, new Set([0x7a74, 0x7a75])), 0x7a76);
  assertEquals(freeTable(77, new Set([254])), 77);
  const error = assertThrows(() => freeTable(77, new Set([77])), UserError, "table 77");
  assert(error.hint?.includes("ip route show table 77"));
});

Deno.test("routing: rules stand before those that were there", () => {
  const rule = (priority: number): PolicyRule => ({ family: 4, priority, table: 254 });
  assertEquals(freePriority([rule(0), rule(32766), rule(32767)]), 32526);
  assertEquals(freePriority([rule(0), rule(5210), rule(32766)]), 4970);
  // Where there is no room, behind as few as can be.
  const crowded = [rule(0), rule(9), rule(100), rule(5210), rule(32766)];
  assertEquals(freePriority(crowded), 4970);
  assertEquals([ruleBefore(crowded, 4970), ruleBefore([rule(0), rule(5210)], 4970)], [100, 0]);
  assertEquals(freePriority([rule(0), rule(150)]), 32526);
});

Deno.test("routing: by one interface goes only what no other network of the host has", () => {
  const rules = planOutside({ ...PLAN, outside: 901 }, EVERYTHING);
  assertEquals(
    rules.slice(0, 3).map(({ table, action, suppressPrefixLength }) => [
      table ?? action,
      suppressPrefixLength,
    ]),
    [[254, 0], [901, undefined], ["unreachable", undefined]],
  );
});
