import { assertEquals } from "@std/assert";
import { describeReason, difference } from "../../../src/netmon/difference.ts";
import type { DefaultRoute, HostState } from "../../../src/netmon/host_state.ts";

const eth0: DefaultRoute = {
  ...{ device: "eth0", link: 2, gateway: "192.0.2.1", source: "192.0.2.5", metric: 100 },
};
const wlan0: DefaultRoute = { device: "wlan0", link: 3, source: "198.51.100.5", metric: 600 };
const family = (wayOut?: DefaultRoute) => ({ defaults: wayOut ? [wayOut] : [], wayOut });

const calm: HostState = {
  links: [
    { index: 2, name: "eth0", running: true, mtu: 1500 },
    { index: 3, name: "wlan0", running: true, mtu: 1500 },
  ],
  addresses: [{ device: "eth0", prefix: "192.0.2.5/24" }],
  ipv4: family(eth0),
  ipv6: family(),
};
const [first, second] = [calm.links[0]!, calm.links[1]!];

/** What is said of a change from the calm picture. */
function said(after: Partial<HostState>, before: Partial<HostState> = {}): string[] {
  const found = difference({ ...calm, ...before }, { ...calm, ...after });
  return found?.reasons.map(describeReason) ?? [];
}

Deno.test("two equal pictures have no difference, short of a sleep", () => {
  assertEquals(difference(calm, structuredClone(calm)), undefined);
  assertEquals(difference(calm, calm, 900), undefined);
  assertEquals(difference(calm, calm, 61_400)?.reasons, [{ kind: "woke", sleptMs: 61_400 }]);
  assertEquals(
    describeReason({ kind: "woke", sleptMs: 61_400 }),
    "the machine has slept for 61 s",
  );
});

Deno.test("links come, go, connect and disconnect", () => {
  assertEquals(said({ links: [first] }), ["wlan0 is gone"]);
  assertEquals(said({}, { links: [first] }), ["wlan0 is there"]);
  const stopped = [first, { ...second, running: false }];
  assertEquals(said({ links: stopped }), ["wlan0 is disconnected"]);
  assertEquals(said({}, { links: stopped }), ["wlan0 is connected"]);
  assertEquals(said({ links: [first, { ...second, mtu: 1280 }] }), [
    "the MTU of wlan0 went from 1500 to 1280",
  ]);
});

Deno.test("a link made anew, or renamed, is another one", () => {
  assertEquals(said({ links: [{ ...first, index: 7 }, second] }), [
    "eth0 is gone",
    "eth0 is there",
  ]);
  assertEquals(said({ links: [{ ...first, name: "lan" }, second] }), [
    "eth0 is gone",
    "lan is there",
  ]);
});

Deno.test("an address that changed went and came", () => {
  assertEquals(said({ addresses: [{ device: "eth0", prefix: "192.0.2.6/24" }] }), [
    "eth0 has lost the address 192.0.2.5/24",
    "eth0 has the address 192.0.2.6/24",
  ]);
});

Deno.test("the way out changes, for each family, and with the last one the host is offline", () => {
  assertEquals(said({ ipv4: family(wlan0) }), [
    "the way out by IPv4 went from 192.0.2.1 on eth0 to wlan0",
  ]);
  assertEquals(said({ ipv4: family(), ipv6: family(wlan0) }), [
    "the way out by IPv4 went from 192.0.2.1 on eth0 to none",
    "the way out by IPv6 went from none to wlan0",
  ]);
  const lost = "the way out by IPv4 went from 192.0.2.1 on eth0 to none";
  assertEquals(said({ ipv4: family() }), [lost, "the host is offline"]);
  assertEquals(said({}, { ipv4: family() }).at(-1), "the host is online");
  for (const other of [{ gateway: "192.0.2.2" }, { source: "192.0.2.6" }, { link: 7 }]) {
    assertEquals(said({ ipv4: family({ ...eth0, ...other }) }).length, 1);
  }
  assertEquals(said({ ipv4: family({ ...eth0, metric: 5 }) }), []);
});
