import { assert, assertEquals, assertThrows } from "@std/assert";
import { Errno, SysError } from "../../ffi/libc.ts";
import { NetlinkRouteSocket } from "../../ffi/netlink_linux.ts";
import { openTun } from "../../ffi/tun_linux.ts";
import type { RouteSocket } from "../../ffi/types.ts";
import { formatPrefix, parsePrefix } from "../../src/addr/prefix.ts";
import { inNetNamespace, runHere, waitHere } from "../support/net_namespace.ts";
import { rootTest } from "../support/root.ts";
import { ip, prefix, withLinks } from "../support/route_rig.ts";

/** Runs `body` in a namespace of its own with a TUN device that is up. */
function withDevice(body: (routes: RouteSocket, link: number) => void): void {
  inNetNamespace(() => {
    const device = openTun({ name: "ztun0", offload: "off" });
    const routes = new NetlinkRouteSocket();
    try {
      const link = routes.findLink("ztun0")!.index;
      routes.setUp(link, true);
      body(routes, link);
    } finally {
      routes.close();
      device.close();
    }
  });
}

rootTest("links are found, configured and brought up", () =>
  withDevice((routes, link) => {
    routes.setMtu(link, 9000);
    routes.setTxQueueLength(link, 77);
    assertEquals(routes.findLink("ztun0"), {
      index: link,
      name: "ztun0",
      up: true,
      mtu: 9000,
      running: true,
      txQueueLength: 77,
      kind: "tun",
      loopback: false,
      pointToPoint: true,
      packetInformation: false,
    });
    routes.setUp(link, false);
    const down = routes.findLink("ztun0");
    assertEquals([down?.up, down?.running], [false, false]);
    assertEquals(routes.findLink("nothing"), undefined);
  }));

rootTest("addresses are added, IPv6 usable at once", () =>
  withDevice((routes, link) => {
    routes.addAddress({ link, prefix: parsePrefix("198.18.0.1/30")! });
    routes.addAddress({ link, prefix: parsePrefix("fd00::1/126")! });
    const texts = routes.addresses().filter((each) => each.link === link)
      .map((each) => formatPrefix(each.prefix));
    assert(texts.includes("198.18.0.1/30") && texts.includes("fd00::1/126"), texts.join());
    // The kernel may just be giving the device a link-local address of its own, tentative at first.
    const shown = runHere("ip", "-6", "-o", "addr", "show", "dev", "ztun0", "to", "fd00::1");
    assert(shown.includes("fd00::1/126") && !shown.includes("tentative"), shown);
  }));

rootTest("routes are added, listed and deleted", () =>
  withDevice((routes, link) => {
    const wanted = ["0.0.0.0/0", "203.0.113.0/24", "::/0", "2001:db8::/32"].map((text) => ({
      destination: parsePrefix(text)!,
      link,
      metric: 5,
      table: 1234,
    }));
    for (const route of wanted) routes.addRoute(route);
    const listed = () => routes.routes().filter((route) => route.table === 1234);
    assertEquals(
      listed().map((route) => formatPrefix(route.destination)).sort(),
      wanted.map((route) => formatPrefix(route.destination)).sort(),
    );
    assertEquals(listed().every((route) => route.metric === 5 && route.link === link), true);
    for (const route of wanted) routes.deleteRoute(route);
    assertEquals(listed(), []);
    routes.addRoute({ destination: parsePrefix("203.0.113.0/24")!, link });
    assert(runHere("ip", "route").includes("203.0.113.0/24 dev ztun0 proto static scope link"));
  }));

rootTest("a refusal carries its number and the kernel's words", () =>
  withDevice((routes, link) => {
    const route = { destination: parsePrefix("203.0.113.0/24")!, link };
    routes.addRoute(route);
    const exists = assertThrows(() => routes.addRoute(route), SysError, "RTM_NEWROUTE");
    assertEquals(exists.code, Errno.EEXIST);
    const crooked = { destination: parsePrefix("203.0.113.1/24")!, link };
    const error = assertThrows(() => routes.addRoute(crooked), SysError);
    assertEquals(error.code, Errno.EINVAL);
    assert(error.message.includes("Invalid prefix"), error.message);
    assertThrows(() => routes.setMtu(link, 70_000), SysError, "mtu");
    assertThrows(() => routes.setUp(999_999, true), SysError, "ENODEV");
  }));

rootTest(
  "all links are listed: what made them, and what they belong to",
  () =>
    withLinks((routes, near) => {
      ip("link add bundle type bridge", "link set far master bundle");
      const links = new Map(routes.links().map((link) => [link.name, link]));
      assertEquals([...links.keys()].sort(), ["bundle", "far", "lo", "near"]);
      const lo = links.get("lo")!;
      assertEquals([lo.loopback, lo.running, lo.kind], [true, true, ""]);
      assertEquals(links.get("far")!.master, links.get("bundle")!.index);
      assertEquals([links.get("near")!.kind, links.get("near")!.index], ["veth", near]);
      // No carrier: the other end is down.
      ip("link set far down");
      const halved = routes.findLink("near")!;
      assertEquals([halved.up, halved.running], [true, false]);
      routes.deleteLink(near);
      assertEquals(routes.findLink("near"), undefined);
      assertThrows(() => routes.deleteLink(near), SysError, "RTM_DELLINK failed: ENODEV");
    }),
);

rootTest("addresses carry their scope and their flags", () =>
  withLinks((routes, link) => {
    const added = { link, prefix: prefix("198.51.100.1/24") };
    routes.addAddress({ ...added, scope: "link", noPrefixRoute: true });
    routes.addAddress({ link, prefix: prefix("2001:db8:7::1/64"), noPrefixRoute: true });
    ip(
      "address add 203.0.113.2/24 dev near scope 77",
      "address add 2001:db8:8::1/64 dev near preferred_lft 0",
    );
    const find = (text: string) =>
      routes.addresses().find((each) => formatPrefix(each.prefix) === text)!;
    const usual = { noPrefixRoute: false, tentative: false, duplicate: false, deprecated: false };
    assertEquals(find("198.51.100.1/24"), {
      ...{ ...added, ...usual, scope: "link", noPrefixRoute: true, temporary: false },
    });
    assertEquals(find("2001:db8:7::1/64").noPrefixRoute, true);
    assertEquals(find("2001:db8:8::1/64").deprecated, true);
    assertEquals(find("203.0.113.2/24").scope, "site");
    assertEquals(find("127.0.0.1/8").scope, "host");
    const networks = routes.routes(254).map(({ destination }) => formatPrefix(destination));
    assert(!networks.includes("198.51.100.0/24") && !networks.includes("2001:db8:7::/64"));
    assert(networks.includes("2001:db8:8::/64"));
  }));

rootTest("an address that is being asked about is tentative", () =>
  withLinks((routes) => {
    // Nobody is asked, and it stays so, until there is a carrier.
    ip("link set far down");
    waitHere("no carrier", () => !routes.findLink("near")!.running);
    ip("address add 2001:db8:9::1/64 dev near");
    const find = () =>
      routes.addresses().find((each) => formatPrefix(each.prefix) === "2001:db8:9::1/64");
    assertEquals(find()?.tentative, true);
  }));
