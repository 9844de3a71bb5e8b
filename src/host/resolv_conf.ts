/**
 * The resolv.conf of `exec`: other name servers, the host's own `search` and `options` lines.
 */

import { type Address, formatAddress, parseAddress } from "../addr/address.ts";
import { isLinkLocal, isLoopback, isUnspecified } from "../addr/kind.ts";

/** For a host whose resolver only listens on loopback, where the tunnel cannot reach it. */
export const PUBLIC_SERVERS = ["1.1.1.1", "2606:4700:4700::1111"];

/** What the namespace's resolv.conf says. `configured` servers come before anything of the host's. */
export function composeResolvConf(hostText: string, configured: readonly string[]): string {
  const servers = configured.length > 0 ? configured : hostServers(hostText);
  const lines = [
    ...(servers.length > 0 ? servers : PUBLIC_SERVERS).map((server) => `nameserver ${server}`),
    ...hostText.split("\n").filter((line) => /^(search|domain|options)[ \t]/.test(line)),
  ];
  return `${lines.join("\n")}\n`;
}

/** The servers that the host asks, without those that only the host itself can reach. */
export function hostServers(text: string): string[] {
  return [...text.matchAll(/^nameserver[ \t]+([^\s#;]+)/gm)]
    .map((match) => parseAddress(match[1]!))
    .filter((address) => address !== undefined)
    .filter(isReachable)
    .map(formatAddress);
}

function isReachable(address: Address): boolean {
  return !isLoopback(address) && !isUnspecified(address) && !isLinkLocal(address);
}
