import { assert, assertEquals } from "@std/assert";
import type { LinkAddress, LinkInfo, Route } from "../../../ffi/types.ts";
import {
  familyState,
  type HostFacts,
  hostState,
  isOnline,
  readHostState,
} from "../../../src/netmon/host_state.ts";
import { rootTest } from "../../support/root.ts";
import { address, ip, prefix, withLinks } from "../../support/route_rig.ts";

function link(index: number, name: string, changes: Partial<LinkInfo> = {}): LinkInfo {
  return {
    ...{ index, name, up: true, running: true, mtu: 1500, txQueueLength: 1000, kind: "" },
    ...{ loopback: false, pointToPoint: false, packetInformation: false, ...changes },
  };
}

const on = (index: number, text: string, changes: Partial<LinkAddress> = {}): LinkAddress => ({
  link: index,
  prefix: prefix(text),
  ...changes,
});
const route = (index: number, gateway: string, changes: Partial<Route> = {}): Route => ({
  destination: prefix(gateway.includes(":") ? "::/0" : "0.0.0.0/0"),
  link: index,
  gateway: address(gateway),
  ...changes,
});

const wired = link(2, "eth0");
const wireless = link(3, "wlan0");
const facts: HostFacts = {
  links: [link(1, "lo", { loopback: true, mtu: 65_536 }), wired, wireless, link(9, "ztun0")],
  addresses: [
    on(1, "127.0.0.1/8", { scope: "host" }),
    on(2, "192.0.2.5/24"),
    on(3, "198.51.100.5/24"),
    on(2, "fe80::5/64", { scope: "link" }),
    on(2, "2001:db8::5/64", { scope: "global" }),
    on(9, "198.18.0.1/30"),
  ],
  routes: [
    route(3, "198.51.100.1", { metric: 600 }),
    route(2, "192.0.2.1", { metric: 100 }),
    route(9, "198.18.0.2"),
    route(2, "fe80::1", { metric: 1024 }),
  ],
};
const look = (changes: Partial<HostFacts> = {}) =>
  hostState({ ...facts, ...changes }, (device) => device.startsWith("ztun"));

Deno.test("a picture shows what others can reach, and nothing of ours", () => {
  const state = look();
  assertEquals(state.links.map(({ name }) => name), ["lo", "eth0", "wlan0"]);
  assertEquals(state.addresses, [
    { device: "eth0", prefix: "192.0.2.5/24" },
    { device: "wlan0", prefix: "198.51.100.5/24" },
    { device: "eth0", prefix: "2001:db8::5/64" },
  ]);
  const eth0 = { device: "eth0", link: 2, gateway: "192.0.2.1", source: "192.0.2.5", metric: 100 };
  assertEquals(familyState(state, 4).wayOut, eth0);
  assertEquals(state.ipv4.defaults.map(({ device }) => device), ["eth0", "wlan0"]);
  assertEquals(familyState(state, 6).wayOut, {
    ...{ device: "eth0", link: 2, gateway: "fe80::1", source: "2001:db8::5", metric: 1024 },
  });
  assert(isOnline(state));
});

Deno.test("the way out is the best that works", () => {
  const unplugged = look({ links: [link(2, "eth0", { running: false }), wireless] });
  assertEquals(unplugged.ipv4.wayOut?.device, "wlan0");
  assertEquals(unplugged.ipv6.wayOut, undefined);
  const nameless = look({ addresses: [] });
  assertEquals([nameless.ipv4.defaults.length, nameless.ipv4.wayOut], [2, undefined]);
  assert(!isOnline(nameless));
  assert(!isOnline(look({ routes: [] })));
});

Deno.test("a default route that refuses hides those behind it", () => {
  const refusing: Route = { destination: prefix("0.0.0.0/0"), type: "unreachable", metric: 200 };
  const state = look({ routes: [...facts.routes, refusing] });
  assertEquals(state.ipv4.defaults.map(({ device }) => device), ["eth0"]);
  assertEquals(look({ routes: [...facts.routes, { ...refusing, metric: 1 }] }).ipv4.defaults, []);
});

Deno.test("each way of several counts by itself", () => {
  const hops = [2, 3].map((index) => ({ link: index }));
  const state = look({ routes: [{ destination: prefix("0.0.0.0/0"), hops }] });
  assertEquals(state.ipv4.defaults, [
    { device: "eth0", link: 2, source: "192.0.2.5", metric: 0 },
    { device: "wlan0", link: 3, source: "198.51.100.5", metric: 0 },
  ]);
});

Deno.test("the source is the route's, or of the gateway's network, or the device's, or any", () => {
  const addresses = [on(2, "203.0.113.5/24"), on(2, "192.0.2.5/24"), on(3, "198.51.100.5/24")];
  const source = (changes: Partial<Route>) =>
    look({ addresses, routes: [route(2, "192.0.2.1", changes)] }).ipv4.wayOut?.source;
  assertEquals(source({ source: address("203.0.113.9") }), "203.0.113.9");
  assertEquals(source({}), "192.0.2.5");
  assertEquals(source({ gateway: address("10.0.0.1") }), "203.0.113.5");
  const elsewhere = look({ addresses: [on(3, "198.51.100.5/32")], routes: [route(2, "10.0.0.1")] });
  assertEquals(elsewhere.ipv4.wayOut?.source, "198.51.100.5");
});

Deno.test("of IPv6 addresses, a temporary one that still serves is the source", () => {
  const texts = ["2001:db8::1/64", "2001:db8::2/64", "2001:db8::3/64", "2001:db8::4/64"];
  const flags = [
    {},
    { temporary: true, deprecated: true },
    { temporary: true },
    { tentative: true, temporary: true },
  ];
  const addresses = texts.map((text, index) => on(2, text, flags[index]));
  const state = look({ addresses });
  assertEquals(state.ipv6.wayOut?.source, "2001:db8::3");
  assertEquals(state.addresses.length, 3);
});

rootTest("a real host is read as it is", () =>
  withLinks((routes) => {
    ip("route add default via 192.0.2.9", "-6 route add default via 2001:db8::9");
    ip("link add ztun7 type bridge", "address add 198.18.0.1/30 dev ztun7");
    const state = readHostState(routes, (device) => device === "ztun7");
    assertEquals(state.links.map(({ name }) => name).sort(), ["far", "lo", "near"]);
    const ways = [state.ipv4, state.ipv6].map(({ defaults }) => defaults[0]!);
    assertEquals(ways.map(({ device, gateway, source }) => [device, gateway, source]), [
      ["near", "192.0.2.9", "192.0.2.1"],
      ["near", "2001:db8::9", "2001:db8::1"],
    ]);
  }));
