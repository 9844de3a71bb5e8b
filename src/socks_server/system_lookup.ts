/**
 * Addresses of a name, as the host itself would find them: the hosts file first, then its DNS servers.
 * IPv4 comes first, because a server without IPv6 is more common than one without IPv4.
 */

import { type Address, parseAddress } from "../addr/address.ts";

const HOSTS_FILE = "/etc/hosts";
/** RFC 6761, 6.3: never asked of a DNS server, in the hosts file or not. */
const LOCALHOST = /(^|\.)localhost$/;

/** Empty when there is no such name. */
export async function systemLookup(name: string): Promise<Address[]> {
  const asked = name.toLowerCase().replace(/\.$/, "");
  const literal = parseAddress(asked);
  if (literal !== undefined) return [literal];
  const listed = addressesInHosts(await readHosts(), asked);
  if (listed.length > 0) return listed;
  if (LOCALHOST.test(asked)) return known(["127.0.0.1", "::1"]);
  // A closing dot: the name is whole, no search domain is to be tried behind it.
  const answers = await Promise.allSettled([
    Deno.resolveDns(`${asked}.`, "A"),
    Deno.resolveDns(`${asked}.`, "AAAA"),
  ]);
  return known(answers.flatMap((answer) => answer.status === "fulfilled" ? answer.value : []));
}

/** What a hosts file says of a name: `address name alias…`, `#` begins a comment. IPv4 first. */
export function addressesInHosts(hosts: string, name: string): Address[] {
  const found: string[] = [];
  for (const line of hosts.split("\n")) {
    const [address, ...names] = line.replace(/#.*/, "").trim().split(/\s+/);
    if (address !== undefined && names.some((n) => n.toLowerCase() === name)) found.push(address);
  }
  return known(found).sort((a, b) => a.length - b.length);
}

async function readHosts(): Promise<string> {
  try {
    return await Deno.readTextFile(HOSTS_FILE);
  } catch {
    // Not there, or not readable: then nothing is listed.
    return "";
  }
}

function known(texts: readonly string[]): Address[] {
  return texts.map(parseAddress).filter((address) => address !== undefined);
}
