/** Addresses as Deno's sockets write them, and as SOCKS5 sends them. */

import { type Address, parseAddress } from "../addr/address.ts";

const MAPPED = "::ffff:";

/** A dual-stack socket writes IPv4 as `::ffff:192.0.2.1`; an IPv4 socket wants `192.0.2.1`. */
export function plainHost(hostname: string): string {
  return hostname.startsWith(MAPPED) && hostname.includes(".")
    ? hostname.slice(MAPPED.length)
    : hostname;
}

/** The octets of a socket's address. The zone of a link-local one means nothing to a client. */
export function socketAddress(hostname: string): Address {
  const zone = hostname.indexOf("%");
  const text = plainHost(zone < 0 ? hostname : hostname.slice(0, zone));
  return parseAddress(text) ?? new Uint8Array(4);
}
