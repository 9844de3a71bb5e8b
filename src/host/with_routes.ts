/** A route socket for the length of one function. */

import { platform } from "../../ffi/mod.ts";
import type { RouteSocket } from "../../ffi/types.ts";

/** What it awaits comes too late: by then the socket is closed. */
export function withRoutes<T>(
  body: (socket: RouteSocket) => T,
  open: () => RouteSocket = platform.openRouteSocket,
): T {
  const socket = open();
  try {
    return body(socket);
  } finally {
    socket.close();
  }
}
