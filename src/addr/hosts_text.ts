/** The text of a hosts file, and the one name that needs none. */

import { type Address, parseAddress } from "./address.ts";

/** What a hosts file says of a name in lower case: `address name alias…`, `#` begins a comment. IPv4 first. */
export function addressesInHosts(hosts: string, name: string): Address[] {
  const found: string[] = [];
  for (const line of hosts.split("\n")) {
    const [address, ...names] = line.replace(/#.*/, "").trim().split(/\s+/);
    if (address !== undefined && names.some((n) => n.toLowerCase() === name)) found.push(address);
  }
  return found.map(parseAddress).filter((address) => address !== undefined)
    .sort((a, b) => a.length - b.length);
}

/** RFC 6761, 6.3: never asked of a DNS server, in the hosts file or not. The name is in lower case. */
export function isLocalhost(name: string): boolean {
  return /(^|\.)localhost$/.test(name);
}
