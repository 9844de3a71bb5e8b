/**
 * Where datagrams for an association go. Proxies behind NAT or in containers announce addresses that only
 * they can reach, and many announce none at all.
 *
 * The rule: BND.ADDR as announced, except that the proxy's own address (the one its control connection
 * went to) is taken instead
 * - for a name, an unspecified address (0.0.0.0, ::), a multicast or a broadcast one;
 * - for a loopback, link-local or private one (RFC 1918, 6598, 4193), unless the proxy's own address is of
 *   that same scope, so that it may well be reachable from here.
 * The port is always the announced one. IPv4-mapped IPv6 addresses count, and come back, as IPv4.
 */

import {
  isBroadcast,
  isLinkLocal,
  isLoopback,
  isMulticast,
  isPrivate,
  isUnspecified,
} from "../../addr/kind.ts";
import { get16 } from "../../bytes.ts";
import type { Socks5Target } from "./handshake.ts";

type Scope = "none" | "loopback" | "link-local" | "private" | "global";

/** Both addresses are 4 or 16 bytes. */
export function relayAddress(bound: Socks5Target, proxy: Uint8Array): Uint8Array {
  const own = unmapped(proxy);
  if (bound.kind === "name") return own;
  const announced = unmapped(bound.address);
  const scope = scopeOf(announced);
  if (scope === "global") return announced;
  return scope !== "none" && scope === scopeOf(own) ? announced : own;
}

function unmapped(address: Uint8Array): Uint8Array {
  if (address.length !== 16 || address[10] !== 0xff || address[11] !== 0xff) return address;
  for (let i = 0; i < 10; i++) if (address[i] !== 0) return address;
  return address.slice(12);
}

function scopeOf(address: Uint8Array): Scope {
  if (isUnspecified(address) || isMulticast(address) || isBroadcast(address)) return "none";
  if (isLoopback(address)) return "loopback";
  if (isLinkLocal(address)) return "link-local";
  return isPrivate(address) || isShared(address) ? "private" : "global";
}

/** 100.64.0.0/10: behind a provider's NAT, so as unreachable from outside as RFC 1918. */
function isShared(address: Uint8Array): boolean {
  return address.length === 4 && (get16(address, 0) & 0xffc0) === 0x6440;
}
