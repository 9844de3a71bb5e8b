/** The tunnel's device, should somebody have taken it down: IPv6 addresses go with that, and routes. */

import type { RouteSocket } from "../../ffi/types.ts";
import { formatPrefix, type Prefix } from "../addr/prefix.ts";

/** Brings it up again with its addresses, where it is down; true when it was. */
export function keepDeviceUp(
  socket: RouteSocket,
  device: string,
  addresses: readonly Prefix[],
): boolean {
  const link = socket.findLink(device);
  if (link === undefined || link.up) return false;
  socket.setUp(link.index, true);
  const there = new Set(
    socket.addresses().filter((each) => each.link === link.index)
      .map(({ prefix }) => formatPrefix(prefix)),
  );
  for (const prefix of addresses) {
    if (!there.has(formatPrefix(prefix))) socket.addAddress({ link: link.index, prefix });
  }
  return true;
}
