import { assertEquals, assertThrows } from "@std/assert";
import { Errno, SysError } from "../../../ffi/libc.ts";
import { captureStatus } from "../../../src/capture/capture_status.ts";
import { strictTable } from "../../../src/capture/tables.ts";
import { defaultSettings } from "../../../src/config/settings.ts";
import { replaceTable } from "../../../src/host/changes/table_change.ts";
import { KILL_SWITCH_COUNTERS } from "../../../src/host/firewall/kill_switch_plan.ts";
import { inNetNamespace } from "../../support/net_namespace.ts";
import { rootTest } from "../../support/root.ts";

const ROUTING = { table: 900, outside: 254, mark: 7, priority: 1000 };
const KEEPER = { intact: true, online: true, proxyNews: "", changes: 3 };
const capture = { device: "ztun0", routing: ROUTING, resolver: undefined };
const { capture: PLAIN } = defaultSettings();
const STRICT = { ...PLAIN, strict: true };

Deno.test("capture status: what is captured, and how", () => {
  const settings = { ...PLAIN, include: ["10.0.0.0/8"], bypass: ["10.1.0.0/16"] };
  assertEquals(captureStatus({ capture, nameServers: [] }, KEEPER, settings), {
    table: 900,
    mark: 7,
    strict: false,
    resolver: "off",
    include: ["10.0.0.0/8"],
    bypass: ["10.1.0.0/16"],
    network: "online",
    intact: true,
    outside: [],
    refused: {},
    changes: 3,
    rewritten: 0,
  });
});

Deno.test("capture status: the resolver, the proxy, and a network that is gone", () => {
  const resolver = { plan: { conf: "file" }, rewritten: 2 };
  const nameServers = ["9.9.9.9", "2620:fe::fe"];
  const keeper = { intact: false, online: false, proxyNews: "The proxy stays outside", changes: 0 };
  const told = captureStatus({ capture: { ...capture, resolver }, nameServers }, keeper, PLAIN);
  assertEquals(told.resolver, "file: 9.9.9.9, 2620:fe::fe");
  assertEquals([told.network, told.outside], ["offline", ["The proxy stays outside"]]);
  assertEquals(told.rewritten, 2);
});

Deno.test("capture status: what the kill switch kept in; nothing once somebody took it away", () => {
  const told = (counters: Parameters<typeof captureStatus>[3]) =>
    captureStatus({ capture, nameServers: [] }, KEEPER, STRICT, counters).refused;
  const counted = (table: string) => {
    assertEquals(table, strictTable("ztun0"));
    return new Map([["refused_dns", { packets: 5, bytes: 300 }]]);
  };
  assertEquals(told(counted), { refused_dns: 5 });
  const gone = () => {
    throw new SysError("NFT_MSG_GETOBJ", Errno.ENOENT);
  };
  assertEquals(told(gone), {});
  const broken = () => {
    throw new TypeError("a mistake");
  };
  assertThrows(() => told(broken), TypeError, "a mistake");
});

rootTest(
  "capture status: the kernel's counters, and none without the table",
  () =>
    inNetNamespace(() => {
      const told = () => captureStatus({ capture, nameServers: [] }, KEEPER, STRICT).refused;
      assertEquals(told(), {});
      replaceTable({
        name: strictTable("ztun0"),
        counters: KILL_SWITCH_COUNTERS,
        sets: [],
        chains: [],
      });
      assertEquals(Object.values(told()), KILL_SWITCH_COUNTERS.map(() => 0));
    }),
);
