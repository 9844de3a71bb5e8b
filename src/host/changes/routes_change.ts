/**
 * All routes of a table of ztun's own: one change, however many there are. Lists of networks have thousands
 * of lines.
 */

import type { ChangeKind } from "../change.ts";
import { presentRoute, type RouteChange, routeKind, type WithRoutes } from "./route_change.ts";

export interface RoutesChange {
  readonly kind: "routes";
  readonly table: number;
  readonly routes: readonly RouteChange[];
}

export function routesKind(withRoutes: WithRoutes): ChangeKind<RoutesChange> {
  const one = routeKind(withRoutes);
  return {
    what: ({ table, routes }) => `add ${routes.length} routes to table ${table}`,
    command: ({ routes }) => routes.map((route) => one.command(route)).join("\n"),
    commands: ({ routes }) => routes.map((route) => one.command(route)),
    undoCommand: ({ table }) => `ip route flush table ${table}; ip -6 route flush table ${table}`,
    apply: ({ routes }) =>
      withRoutes((socket) => {
        for (const route of routes) socket.addRoute(presentRoute(route, socket));
      }),
    state: ({ table }) =>
      withRoutes((socket) => socket.routes(table).length > 0) ? "present" : "absent",
    difference: () => "it has been altered since",
    undo: ({ table }) => withRoutes((socket) => socket.flushRoutes(table)),
    outlivesBoot: () => false,
    exclusive: true,
    mend: ({ table, routes }) =>
      withRoutes((socket) => {
        const wanted = routes.map((route) => presentRoute(route, socket));
        const missing = socket.missingRoutes(table, wanted);
        for (const route of missing) socket.addRoute(route);
        return missing.length > 0;
      }),
  };
}
