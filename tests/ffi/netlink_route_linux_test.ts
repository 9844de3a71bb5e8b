import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { Errno, SysError } from "../../ffi/libc.ts";
import { readAnswer, readRoute, routeFields } from "../../ffi/netlink_route_linux.ts";
import { sameFields } from "../../ffi/netlink_fields_linux.ts";
import type { Route } from "../../ffi/types.ts";
import { formatPrefix } from "../../src/addr/prefix.ts";
import { runHere } from "../support/net_namespace.ts";
import { rootTest } from "../support/root.ts";
import { address, ip, prefix, withLinks } from "../support/route_rig.ts";

/** One of every kind, in a table beyond the 255 that the fixed structure has room for. */
function everyKind(link: number): Route[] {
  const table = 70_000;
  const others = ["unreachable", "blackhole", "prohibit", "throw"] as const;
  return [
    { destination: prefix("203.0.113.0/24"), link, table },
    { destination: prefix("0.0.0.0/0"), link, table, gateway: address("192.0.2.9"), metric: 7 },
    {
      destination: prefix("198.51.100.7/32"),
      link,
      table,
      source: address("192.0.2.1"),
      mtu: 1400,
    },
    {
      destination: prefix("198.51.100.8/32"),
      ...{ link, table, gateway: address("203.0.113.77"), onLink: true, advmss: 1300, mtu: 1340 },
    },
    { destination: prefix("198.51.100.9/32"), link, table, gateway: address("fe80::9") },
    { destination: prefix("198.51.100.10/32"), link, table, tos: 16, protocol: 157 },
    { destination: prefix("2001:db8:1::/48"), link, table },
    { destination: prefix("::/0"), link, table, gateway: address("2001:db8::9"), metric: 7 },
    {
      destination: prefix("2001:db8:2::/48"),
      ...{ link, table, source: address("2001:db8::1"), mtu: 1400, advmss: 1320, protocol: 157 },
    },
    {
      destination: prefix("2001:db8:3::/48"),
      ...{ link, table, gateway: address("2001:db8:ff::1"), onLink: true },
    },
    { destination: prefix("2001:db8:4::/48"), link, table, from: prefix("2001:db8:aa::/48") },
    ...others.map((type): Route => ({ destination: prefix("10.0.0.0/8"), type, table, metric: 5 }))
      .map((route, index) => ({ ...route, metric: index + 1 })),
    ...others.map((type, index): Route => ({
      ...{ destination: prefix("fd00::/8"), type, table, metric: index + 1 },
    })),
  ];
}

rootTest(
  "routes of every kind are added, found as they were given, and deleted one by one",
  () =>
    withLinks((routes, link) => {
      const wanted = everyKind(link);
      for (const route of wanted) routes.addRoute(route);
      assertEquals(routes.routes(70_000).length, wanted.length);
      for (const route of wanted) {
        assert(routes.hasRoute(route), `${formatPrefix(route.destination)} ${route.type}`);
      }
      for (const [index, route] of wanted.entries()) {
        routes.deleteRoute(route);
        assertEquals(wanted.map((each) => routes.hasRoute(each)), wanted.map((_, i) => i > index));
      }
      assertEquals(routes.routes(70_000), []);
    }),
);

rootTest("what `ip` shows of the routes is what was meant", () =>
  withLinks((routes, link) => {
    for (const route of everyKind(link)) routes.addRoute(route);
    const shown = runHere("sh", "-c", "ip route show table 70000; ip -6 route show table 70000");
    const lines = [
      "default via 192.0.2.9 dev near proto static metric 7",
      "198.51.100.7 dev near proto static scope link src 192.0.2.1 mtu 1400",
      "198.51.100.8 via 203.0.113.77 dev near proto static onlink mtu 1340 advmss 1300",
      "198.51.100.9 via inet6 fe80::9 dev near proto static",
      "198.51.100.10 tos 0x10 dev near proto 157 scope link",
      "2001:db8:2::/48 dev near proto 157 src 2001:db8::1 metric 1024 mtu 1400 advmss 1320",
      "2001:db8:3::/48 via 2001:db8:ff::1 dev near proto static metric 1024",
      "2001:db8:4::/48 from 2001:db8:aa::/48 dev near",
      "unreachable 10.0.0.0/8 proto static metric 1",
      "throw 10.0.0.0/8 proto static metric 4",
      "blackhole fd00::/8 dev lo proto static metric 2",
    ];
    const squeezed = shown.replaceAll(/ +/g, " ");
    for (const line of lines) assert(squeezed.includes(line), `${line}\nin\n${shown}`);
  }));

rootTest(
  "of two routes that differ in anything, none is deleted for the other",
  () =>
    withLinks((routes, link) => {
      const destination = prefix("203.0.113.0/24");
      const theirs = { destination, link, metric: 5, protocol: 3 };
      routes.addRoute(theirs);
      const near: Route[] = [
        { destination, link },
        { ...theirs, metric: 6 },
        { ...theirs, protocol: 4 },
        { ...theirs, mtu: 1400 },
        { ...theirs, gateway: address("192.0.2.9") },
        { ...theirs, table: 1234 },
        { ...theirs, type: "unreachable" },
      ];
      for (const route of near) {
        const error = assertThrows(() => routes.deleteRoute(route), SysError, "exactly this");
        assertEquals(error.code, Errno.ESRCH);
      }
      assert(routes.hasRoute(theirs));
    }),
);

rootTest(
  "lists: one table or all, both families, and none where there is no such table",
  () =>
    withLinks((routes, link) => {
      ip(
        "route add 203.0.113.0/24 dev near table 999",
        "-6 route add fd00::/64 dev near table 999",
      );
      const listed = routes.routes(999).map((route) => formatPrefix(route.destination));
      assertEquals(listed, ["203.0.113.0/24", "fd00::/64"]);
      assertEquals(routes.routes(998), []);
      ip("route add default dev near table 999", "-6 route add default dev near");
      const defaults = (table?: number) =>
        routes.defaultRoutes(table).map((route) => [formatPrefix(route.destination), route.table]);
      assertEquals(defaults(999), [["0.0.0.0/0", 999]]);
      assertEquals(defaults(), [["0.0.0.0/0", 999], ["::/0", 254]]);
      const all = routes.routes();
      assert(all.some(({ table }) => table === 999));
      // The tables of the kernel: our own addresses, and broadcasts.
      const local = all.filter(({ table }) => table === 255);
      assert(local.some(({ type, link: its }) => type === "local" && its === link));
      assert(local.some(({ type }) => type === "broadcast"));
      assert(local.some(({ type, destination }) =>
        type === "multicast" && formatPrefix(destination) === "ff00::/8"
      ));
    }),
);

rootTest("a route with several ways is seen as one", () =>
  withLinks((routes, link) => {
    const hops = "nexthop via 192.0.2.7 dev near weight 2 nexthop via 192.0.2.8 dev near";
    const hops6 = "nexthop via 2001:db8::7 dev near nexthop via 2001:db8::8 dev near";
    ip(`route add default ${hops}`, `-6 route add default ${hops6}`);
    const [four, six] = routes.routes(254).filter(({ destination }) => destination.length === 0);
    const ways = (gateways: string[]) => gateways.map((each) => ({ link, gateway: address(each) }));
    assertEquals(four!.hops, ways(["192.0.2.7", "192.0.2.8"]));
    assertEquals(six!.hops, ways(["2001:db8::7", "2001:db8::8"]));
    assertEquals([four!.link, four!.gateway], [undefined, undefined]);
    assert(!routes.hasRoute({ destination: prefix("0.0.0.0/0"), link, protocol: 3 }));
    assert(routes.hasRoute(four!));
  }));

rootTest("lookups say what `ip route get` says", () =>
  withLinks((routes, link) => {
    const lo = routes.findLink("lo")!.index;
    ip(
      "route add default via 192.0.2.9 mtu 1400",
      "-6 route add default via 2001:db8::9",
      "route add 203.0.113.0/24 via 192.0.2.8 table 5000",
      "rule add fwmark 0x7 lookup 5000",
      "-6 rule add uidrange 1234-1234 prohibit",
      "route add unreachable 10.1.0.0/16",
      "route add prohibit 10.2.0.0/16",
      "route add blackhole 10.3.0.0/16",
      "-6 route add unreachable fd01::/16",
    );
    const four = address("203.0.113.5");
    const source = address("192.0.2.1");
    const common = { type: "unicast" as const, link, source };
    assertEquals(
      routes.lookup(four),
      { ...common, table: 254, gateway: address("192.0.2.9"), mtu: 1400 },
    );
    assertEquals(
      routes.lookup(four, { mark: 7 }),
      { ...common, table: 5000, gateway: address("192.0.2.8") },
    );
    assertEquals(routes.lookup(source)?.link, lo);
    const six = address("2001:db8:5::5");
    assertEquals(routes.lookup(six)?.gateway, address("2001:db8::9"));
    assertEquals(routes.lookup(six)?.source, address("2001:db8::1"));
    assertEquals(routes.lookup(six, { uid: 1234 }), undefined);
    assertEquals(routes.lookup(four, { outputLink: lo })?.link, lo);
    for (const dead of ["10.1.0.1", "10.2.0.1", "10.3.0.1", "fd01::1"]) {
      assertEquals(routes.lookup(address(dead)), undefined, dead);
    }
    const error = assertThrows(() => routes.lookup(four, { outputLink: 999_999 }), SysError);
    assertEquals(error.code, Errno.ENODEV);
    // As if it came from the other link, to be forwarded.
    Deno.writeTextFileSync("/proc/sys/net/ipv4/conf/all/rp_filter", "0");
    Deno.writeTextFileSync("/proc/sys/net/ipv4/conf/far/rp_filter", "0");
    Deno.writeTextFileSync("/proc/sys/net/ipv4/conf/far/forwarding", "1");
    const inputLink = routes.findLink("far")!.index;
    const forwarded = routes.lookup(four, { inputLink, source: address("198.51.100.77") });
    assertEquals([forwarded?.link, forwarded?.gateway], [link, address("192.0.2.9")]);
  }));

const same = (a: Route, b: Route) => sameFields(routeFields(a), routeFields(b));

Deno.test("what is left out counts as what the kernel makes of it", () => {
  const four: Route = { destination: prefix("10.0.0.0/8"), link: 3 };
  const six: Route = { destination: prefix("fd00::/8"), link: 3 };
  const said = { type: "unicast", table: 254, protocol: 4 } as const;
  assert(same(four, { ...four, ...said, metric: 0, tos: 0, onLink: false }));
  assert(same(six, { ...six, ...said, metric: 1024 }));
  assert(!same(four, { ...four, metric: 1024 }));
  assert(!same(four, { ...four, link: 4 }));
  assert(!same(four, { ...four, hops: [{ link: 3 }] }));
  // Where packets do not leave, the kernel names a link of its own choice.
  assert(
    same({ ...six, type: "blackhole" }, { destination: six.destination, type: "blackhole" }),
  );
});

Deno.test("no message makes the readers fail", () => {
  fc.assert(fc.property(fc.uint8Array({ minLength: 12, maxLength: 200 }), (bytes) => {
    const message = { bytes, type: 24, flags: 0, sequence: 1, at: 0, end: bytes.length };
    bytes[0] = bytes[0]! % 2 === 0 ? 2 : 10;
    readRoute(message);
    readAnswer(message);
  }));
});
