/** How much the peer may send: what the owner can still hold, without ever taking back an offer. */

import type { TcpConnection } from "./connection.ts";
import { seqAdd, seqDiff, seqMax } from "./seq.ts";

/** What the connection may hold now: less without window scaling, which could not say more. */
export function receiveLimit(c: TcpConnection): number {
  return c.scaling ? c.host.receiveLimit : Math.min(c.host.receiveLimit, 65_535);
}

/** The window to advertise now, in bytes; remembers the edge that it promises. */
export function advertisedWindow(c: TcpConnection): number {
  const limit = receiveLimit(c);
  const offered = seqDiff(c.rcvEdge, c.rcvNxt);
  const free = Math.max(limit - c.held, 0);
  const growth = free - offered;
  // Not by crumbs (RFC 9293, 3.8.6.2.2), and never back (3.8.6).
  if (growth >= Math.min(limit / 2, c.announcedMss)) {
    // Only whole units of the scale can be said: promise no more than that.
    c.rcvEdge = seqMax(c.rcvEdge, seqAdd(c.rcvNxt, (free >>> c.rcvShift) << c.rcvShift));
  }
  return Math.max(seqDiff(c.rcvEdge, c.rcvNxt), 0);
}
