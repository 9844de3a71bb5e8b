/** A route in a table of ztun's own. */

import { Errno, SysError } from "../../../ffi/libc.ts";
import type { Route, RouteSocket } from "../../../ffi/types.ts";
import { parseAddress } from "../../addr/address.ts";
import { parsePrefix } from "../../addr/prefix.ts";
import { UserError } from "../../errors.ts";
import type { ChangeKind } from "../change.ts";
import { routeCommand } from "../route_text.ts";

/** A route as text: what a journal keeps. Devices have names, for their numbers do not last. */
export interface RouteChange {
  readonly kind: "route";
  readonly destination: string;
  readonly table: number;
  /** "unicast" when left out. */
  readonly type?: "unreachable" | "throw";
  readonly device?: string;
  readonly gateway?: string;
  readonly onLink?: true;
  readonly metric?: number;
  /** A copy of one of the host's: it goes when that goes. */
  readonly borrowed?: true;
}

/** A socket for the length of one function. */
export type WithRoutes = <T>(body: (socket: RouteSocket) => T) => T;

export function routeKind(withRoutes: WithRoutes): ChangeKind<RouteChange> {
  return {
    what: ({ destination, device }) =>
      device === undefined
        ? `add a route for ${destination}`
        : `add the route ${destination} through "${device}"`,
    command: (change) => shown("add", change),
    undoCommand: (change) => shown("del", change),
    apply: (change) => withRoutes((socket) => socket.addRoute(presentRoute(change, socket))),
    state: (change) => withRoutes((socket) => isThere(change, socket)) ? "present" : "absent",
    difference: () => "it has been altered since",
    undo: (change) => withRoutes((socket) => remove(change, socket)),
    outlivesBoot: () => false,
    exclusive: true,
    kept: ({ borrowed }) => borrowed === undefined,
  };
}

/** Undefined when its device is gone, and with it the route. */
function routeOf(change: RouteChange, socket: RouteSocket): Route | undefined {
  const { device, type, gateway, onLink, metric, table } = change;
  const link = device === undefined ? undefined : socket.findLink(device)?.index;
  if (device !== undefined && link === undefined) return undefined;
  return {
    destination: parsePrefix(change.destination)!,
    table,
    ...(type === undefined ? {} : { type }),
    ...(link === undefined ? {} : { link }),
    ...(gateway === undefined ? {} : { gateway: parseAddress(gateway)! }),
    ...(onLink === undefined ? {} : { onLink }),
    ...(metric === undefined ? {} : { metric }),
  };
}

/** Throws when its device is gone. */
export function presentRoute(change: RouteChange, socket: RouteSocket): Route {
  const route = routeOf(change, socket);
  if (route !== undefined) return route;
  throw new UserError(`The device "${change.device}" has vanished`);
}

function isThere(change: RouteChange, socket: RouteSocket): boolean {
  const route = routeOf(change, socket);
  return route !== undefined && socket.hasRoute(route);
}

/** A device that goes takes its routes along, at any moment. */
function remove(change: RouteChange, socket: RouteSocket): void {
  const route = routeOf(change, socket);
  if (route === undefined) return;
  try {
    socket.deleteRoute(route);
  } catch (error) {
    if (!(error instanceof SysError) || error.code !== Errno.ESRCH) throw error;
  }
}

function shown(verb: "add" | "del", change: RouteChange): string {
  const { destination, table, type, device, gateway, onLink, metric } = change;
  const route: Route = {
    destination: parsePrefix(destination)!,
    table,
    ...(type === undefined ? {} : { type }),
    ...(device === undefined ? {} : { link: 0 }),
    ...(gateway === undefined ? {} : { gateway: parseAddress(gateway)! }),
    ...(onLink === undefined ? {} : { onLink }),
    ...(metric === undefined ? {} : { metric }),
  };
  return routeCommand(verb, route, () => device!);
}
