import { assert, assertEquals, assertThrows } from "@std/assert";
import { type RouteChange, routeKind } from "../../../../src/host/changes/route_change.ts";
import { withRoutes } from "../../../../src/host/with_routes.ts";
import { runHere } from "../../../support/net_namespace.ts";
import { rootTest } from "../../../support/root.ts";
import { ip, withLinks } from "../../../support/route_rig.ts";

const kind = routeKind(withRoutes);
const ROUTES: readonly RouteChange[] = [
  { kind: "route", destination: "0.0.0.0/0", table: 900, device: "near" },
  { kind: "route", destination: "::/0", table: 900, device: "near" },
  { kind: "route", destination: "203.0.113.0/24", table: 900, type: "throw" },
  { kind: "route", destination: "2001:db8:1::/48", table: 900, type: "unreachable" },
  {
    kind: "route",
    destination: "198.51.100.0/24",
    table: 900,
    device: "near",
    gateway: "192.0.2.9",
    metric: 7,
  },
];

const listed = () =>
  runHere("ip", "route", "show", "table", "900") +
  runHere("ip", "-6", "route", "show", "table", "900");

rootTest("a route is made, found, and taken away", () =>
  withLinks(() => {
    for (const route of ROUTES) {
      assertEquals(kind.state(route), "absent");
      void kind.apply(route);
      assertEquals(kind.state(route), "present", route.destination);
    }
    for (const route of ROUTES) void kind.undo(route);
    assertEquals(listed(), "");
  }));

rootTest(
  "a route is what its command makes, and its other command takes away",
  () =>
    withLinks(() => {
      for (const route of ROUTES) {
        runHere("sh", "-c", kind.command(route));
        assertEquals(kind.state(route), "present", kind.command(route));
        runHere("sh", "-c", kind.undoCommand(route));
        assertEquals(kind.state(route), "absent", kind.undoCommand(route));
      }
    }),
);

rootTest("a route goes with its device, and is gone then", () =>
  withLinks(() => {
    const [route] = ROUTES;
    void kind.apply(route!);
    ip("link del near");
    assertEquals(kind.state(route!), "absent");
    void kind.undo(route!);
    assertThrows(() => kind.apply(route!), Error, 'The device "near" has vanished');
    assert(!kind.outlivesBoot(route!));
  }));
