import { assert, assertEquals, assertNotEquals } from "@std/assert";
import fc from "fast-check";
import { networkOf, parsePrefix, type Prefix, prefixContains } from "../../../src/addr/prefix.ts";
import {
  markTable,
  planTables,
  strictTable,
  type TableSettings,
} from "../../../src/capture/tables.ts";
import { replaceTable, withNftables } from "../../../src/host/changes/table_change.ts";
import type { Table } from "../../../src/host/firewall/rule.ts";
import { NOBODY } from "../../../src/host/firewall/senders.ts";
import { replacementCommand } from "../../../src/host/firewall/text.ts";
import { inNetNamespace } from "../../support/net_namespace.ts";
import { rootTest } from "../../support/root.ts";
import { address } from "../../support/route_rig.ts";

const SETTINGS: TableSettings = {
  device: "ztun0",
  addresses: [address("198.18.0.1"), address("fd7a::1")],
  mark: 0x7a74,
  outside: NOBODY,
  inside: undefined,
  forwarded: { outside: [], inside: undefined },
  servedPorts: [22],
  nameServers: [address("9.9.9.9")],
  internal: { names: ["docker0"], networks: ["172.17.0.0/16"] },
  sources: [],
  connectionMark: 77,
  servedUdpPorts: [],
  clientPorts: { from: 32_768, to: 60_999 },
  proxyHere: false,
  strict: true,
  proxies: [{ address: address("198.51.100.1"), port: 1080 }],
  permitted: ["10.0.0.0/8"],
};

const text = (tables: readonly Table[]) => tables.map(replacementCommand).join("\n");

Deno.test("tables: who stays outside, and what may leave at all only if that is wanted", () => {
  const names = (strict: boolean) => planTables({ ...SETTINGS, strict }).map(({ name }) => name);
  assertEquals(names(false), [markTable("ztun0")]);
  assertEquals(names(true), [markTable("ztun0"), strictTable("ztun0")]);
  assertNotEquals(markTable("ztun0"), markTable("ztun1"));
});

Deno.test("tables: the same settings make the same tables", () => {
  assertEquals(JSON.stringify(planTables(SETTINGS)), JSON.stringify(planTables(SETTINGS)));
});

Deno.test("tables: with some programs only, whoever has the mark is free to go", () => {
  const [, strict] = planTables({ ...SETTINGS, inside: NOBODY });
  assertEquals(strict!.chains.find(({ name }) => name === "marked")!.rules.length, 1);
});

Deno.test("tables: the kill switch knows the proxy, its relay, and the LAN", () => {
  const shown = text(planTables(SETTINGS).slice(1));
  for (const part of ["198.51.100.1 . 1080", "10.0.0.0/8", '"docker0"', "tcp sport"]) {
    assert(shown.includes(part), part);
  }
});

const octets = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });
/** Networks of few places, so that they meet. */
const network = fc.oneof(
  fc.tuple(fc.constantFrom(8, 9, 10, 24, 32), fc.nat(3), fc.nat(3))
    .map(([length, a, b]) => `10.${a * 64}.${b}.0/${length}`),
  fc.tuple(fc.constantFrom(7, 8, 16, 64, 128), fc.nat(3), fc.nat(3))
    .map(([length, a, b]) => `fd0${a}:${b}::/${length}`),
  fc.constantFrom("0.0.0.0/0", "::/0", "224.0.0.0/4", "ff00::/8", "255.255.255.255/32"),
);
const proxy = fc.record({
  address: fc.oneof(
    octets(4).map((each) => each.fill(9, 0, 3)),
    octets(16).map((each) => each.fill(9, 0, 15)),
  ),
  port: fc.constantFrom(1080, 1081),
});
const settings = fc.record({
  permitted: fc.array(network, { maxLength: 12 }),
  proxies: fc.array(proxy, { maxLength: 6 }),
  strict: fc.constant(true),
});

const overlap = (one: Prefix, other: Prefix) =>
  one.address.length === other.address.length &&
  (prefixContains(one, other.address) || prefixContains(other, one.address));

Deno.test("tables: the networks of a set never overlap, and every one that was named is in one", () => {
  fc.assert(fc.property(settings, (some) => {
    const tables = planTables({ ...SETTINGS, ...some });
    const sets = tables.flatMap(({ sets }) => sets).filter((set) => "prefixes" in set);
    for (const { prefixes } of sets) {
      prefixes.forEach((one, at) => {
        assertEquals(one.address, networkOf(one).address);
        prefixes.slice(at + 1).forEach((other) => assert(!overlap(one, other)));
      });
    }
    const all = sets.flatMap(({ prefixes }) => prefixes);
    for (const named of some.permitted.map((text) => parsePrefix(text)!)) {
      assert(all.some((each) => overlap(each, named) && each.length <= named.length));
    }
  }));
});

rootTest(
  "tables: the kernel takes whatever is planned, twice over",
  () =>
    inNetNamespace(() =>
      fc.assert(
        fc.property(settings, (some) => {
          const proxies = [...some.proxies, ...some.proxies];
          const tables = planTables({ ...SETTINGS, ...some, proxies });
          for (const table of [...tables, ...tables]) replaceTable(table);
          const names = withNftables((socket) => socket.tableNames());
          assertEquals(names.toSorted(), tables.map(({ name }) => name).toSorted());
        }),
        { numRuns: 30 },
      )
    ),
);
