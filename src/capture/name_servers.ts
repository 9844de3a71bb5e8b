/** Which servers the host asks for names while everything goes into the tunnel. Pure. */

import type { IpFamily } from "../../ffi/types.ts";
import { type Address, formatAddress, parseAddress } from "../addr/address.ts";
import { isLinkLocal, isLoopback, isPrivate } from "../addr/kind.ts";
import { parsePrefix, prefixContains } from "../addr/prefix.ts";
import { PUBLIC_SERVERS } from "../host/resolv_conf.ts";

/** More no program reads. */
const MOST = 3;

/**
 * Those that were asked for; else those of the host that are the same wherever one asks from: one of a
 * LAN is another host behind the proxy, or none.
 */
export function nameServers(
  configured: readonly string[],
  hosts: readonly string[],
  carried: ReadonlySet<IpFamily>,
  bypass: readonly string[],
): string[] {
  if (configured.length > 0) return configured.slice(0, MOST);
  const everywhere = hosts.filter((text) => isUsable(parseAddress(text)!, carried, bypass));
  const servers = everywhere.length > 0
    ? everywhere
    : PUBLIC_SERVERS.filter((text) => carried.has(parseAddress(text)!.length === 4 ? 4 : 6));
  return servers.slice(0, MOST);
}

function isUsable(
  address: Address,
  carried: ReadonlySet<IpFamily>,
  bypass: readonly string[],
): boolean {
  if (isPrivate(address) || isLinkLocal(address) || isLoopback(address)) return false;
  if (isShared(address) || !carried.has(address.length === 4 ? 4 : 6)) return false;
  return !bypass.some((text) => prefixContains(parsePrefix(text)!, address));
}

/** 100.64.0.0/10: a provider's own. */
function isShared(address: Address): boolean {
  return prefixContains(parsePrefix("100.64.0.0/10")!, address);
}

/** The same as addresses. */
export function addressesOf(texts: readonly string[]): Address[] {
  return texts.map((text) => parseAddress(text)).filter((address) => address !== undefined);
}

export function textsOf(addresses: readonly Address[]): string[] {
  return addresses.map(formatAddress);
}
