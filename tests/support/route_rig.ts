/** A namespace with a pair of links, `near` (192.0.2.1/24, 2001:db8::1/64) and `far`, and a route socket. */

import { NetlinkRouteSocket } from "../../ffi/netlink_linux.ts";
import { parseAddress } from "../../src/addr/address.ts";
import { parsePrefix } from "../../src/addr/prefix.ts";
import { inNetNamespace, runHere, waitHere } from "./net_namespace.ts";

/** The addresses and prefixes that a test writes as text. */
export const address = (text: string) => parseAddress(text)!;
export const prefix = (text: string) => parsePrefix(text)!;

/** `link` is the index of `near`. */
export function withLinks(body: (routes: NetlinkRouteSocket, link: number) => void): void {
  inNetNamespace(() => {
    makeLinks();
    const routes = new NetlinkRouteSocket();
    try {
      body(routes, routes.findLink("near")!.index);
    } finally {
      routes.close();
    }
  });
}

/**
 * Makes them where this thread is. What the kernel does in its own time is over: it has seen the carrier,
 * and has made the route to its own IPv6 address; there are no link-local addresses to be asked about.
 */
export function makeLinks(): void {
  ip(
    "link add near type veth peer name far",
    "link set near addrgenmode none",
    "link set far addrgenmode none",
    "link set lo up",
    "link set near up",
    "link set far up",
  );
  waitHere("both links to run", () => runHere("ip", "-o", "link").split(" state UP ").length === 3);
  ip("address add 192.0.2.1/24 dev near", "address add 2001:db8::1/64 dev near nodad");
  waitHere(
    "the route of the address",
    () => runHere("ip", "-6", "route", "show", "table", "local").includes("local 2001:db8::1 "),
  );
}

/** `ip` with these arguments; each line is a command of its own. */
export function ip(...lines: string[]): void {
  for (const line of lines) runHere("ip", ...line.split(" "));
}
