import { assertEquals } from "@std/assert";
import type { RouteChange } from "../../../../src/host/changes/route_change.ts";
import { type RoutesChange, routesKind } from "../../../../src/host/changes/routes_change.ts";
import { withRoutes } from "../../../../src/host/with_routes.ts";
import { runHere } from "../../../support/net_namespace.ts";
import { rootTest } from "../../../support/root.ts";
import { ip, withLinks } from "../../../support/route_rig.ts";

const TABLE = 900;
const kind = routesKind(withRoutes);

const listed = () =>
  (runHere("ip", "route", "show", "table", String(TABLE)) +
    runHere("ip", "-6", "route", "show", "table", String(TABLE))).trim().split("\n");

function change(count: number): RoutesChange {
  const thrown = Array.from({ length: count }, (_, index): RouteChange => ({
    ...{ kind: "route", table: TABLE, type: "throw" },
    destination: `10.${index >> 8}.${index & 255}.0/24`,
  }));
  const into = ["0.0.0.0/0", "::/0"].flatMap((destination): RouteChange[] => [
    { kind: "route", table: TABLE, destination, device: "near" },
    { kind: "route", table: TABLE, destination, type: "unreachable", metric: 5000 },
  ]);
  return { kind: "routes", table: TABLE, routes: [...thrown, ...into] };
}

rootTest("routes: thousands are made as one, found, and taken away", () =>
  withLinks(() => {
    const routes = change(3000);
    assertEquals(kind.state(routes), "absent");
    void kind.apply(routes);
    assertEquals([kind.state(routes), listed().length], ["present", 3004]);
    assertEquals(kind.mend!(routes), false);
    void kind.undo(JSON.parse(JSON.stringify(routes)));
    assertEquals([kind.state(routes), listed()], ["absent", [""]]);
  }));

rootTest("routes: what went with a device that was down is made again", () =>
  withLinks(() => {
    const routes = change(2);
    void kind.apply(routes);
    const before = listed();
    ip("link set near down", "link set near up");
    assertEquals(listed().length, before.length - 2);
    assertEquals(kind.mend!(routes), true);
    assertEquals(listed(), before);
    assertEquals(kind.mend!(routes), false);
  }));

rootTest("routes: their commands do the same", () =>
  withLinks(() => {
    const routes = change(2);
    runHere("sh", "-ec", kind.command(routes));
    assertEquals(kind.mend!(routes), false);
    runHere("sh", "-ec", kind.undoCommand(routes));
    assertEquals(kind.state(routes), "absent");
  }));
