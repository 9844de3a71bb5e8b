/**
 * Addresses of a name, as the host itself would find them: the hosts file first, then its DNS servers.
 * IPv4 comes first, because a server without IPv6 is more common than one without IPv4.
 */

import { type Address, parseAddress } from "../addr/address.ts";
import { addressesInHosts, isLocalhost } from "../addr/hosts_text.ts";

const HOSTS_FILE = "/etc/hosts";

/** Empty when there is no such name. */
export async function systemLookup(name: string): Promise<Address[]> {
  const asked = name.toLowerCase().replace(/\.$/, "");
  const literal = parseAddress(asked);
  if (literal !== undefined) return [literal];
  const listed = addressesInHosts(await readHosts(), asked);
  if (listed.length > 0) return listed;
  if (isLocalhost(asked)) return known(["127.0.0.1", "::1"]);
  // A closing dot: the name is whole, no search domain is to be tried behind it.
  const answers = await Promise.allSettled([
    Deno.resolveDns(`${asked}.`, "A"),
    Deno.resolveDns(`${asked}.`, "AAAA"),
  ]);
  return known(answers.flatMap((answer) => answer.status === "fulfilled" ? answer.value : []));
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
