/**
 * The addresses of a name by questions of our own, for when the system's resolver is pointed into the
 * tunnel: A and AAAA, of one server after the other until both have been answered.
 */

import { HEADER_LENGTH, isTruncated, questionEquals, Rcode, readRcode } from "../wire/dns.ts";
import {
  type AddressRecords,
  composeQuery,
  readAddressRecords,
  RECORD_TYPE,
} from "../wire/dns_query.ts";
import { type AskServer, type DnsServer, within } from "./dns_exchange.ts";

export type Family = 4 | 6;
export const FAMILIES = [4, 6] as const;

/** By family; without one that no server could say anything of. */
export type NameAnswers = Partial<Record<Family, AddressRecords>>;

/** Time for two datagrams on their way and back. */
const PER_SERVER_MS = 2_500;
/** As many as programs read of resolv.conf. */
const MOST_SERVERS = 3;

/** Takes no longer than `MOST_SERVERS` times `PER_SERVER_MS`, and does not reject. */
export async function askForAddresses(
  name: string,
  servers: readonly DnsServer[],
  ask: AskServer,
  signal: AbortSignal,
): Promise<NameAnswers> {
  const answers: NameAnswers = {};
  for (const server of servers.slice(0, MOST_SERVERS)) {
    const missing = FAMILIES.filter((family) => answers[family] === undefined);
    if (missing.length === 0 || signal.aborted) break;
    await within(PER_SERVER_MS, signal, (ending) =>
      Promise.all(missing.map(async (family) => {
        const answer = await askOne(name, family, server, ask, ending);
        if (answer !== undefined) answers[family] = answer;
      })));
  }
  return answers;
}

/** Undefined when that server cannot say; without addresses when there are none. */
async function askOne(
  name: string,
  family: Family,
  server: DnsServer,
  ask: AskServer,
  signal: AbortSignal,
): Promise<AddressRecords | undefined> {
  const id = crypto.getRandomValues(new Uint16Array(1))[0]!;
  const query = composeQuery(id, name, RECORD_TYPE[family]);
  try {
    const answer = await ask(server, query, signal);
    return isVerdict(query, answer) ? recordsOf(family, answer) : undefined;
  } catch {
    // Silent, refusing or out of reach: the next one may know.
    return undefined;
  }
}

/** It says what there is, or that there is nothing. */
function isVerdict(query: Uint8Array, answer: Uint8Array): boolean {
  const rcode = readRcode(answer, 0);
  return answer.length > HEADER_LENGTH && !isTruncated(answer, 0) &&
    (rcode === Rcode.NoError || rcode === Rcode.NXDomain) &&
    questionEquals(query, 0, query.length, answer, 0, answer.length);
}

function recordsOf(family: Family, answer: Uint8Array): AddressRecords {
  const { addresses, ttl } = readAddressRecords(answer);
  return { addresses: addresses.filter((each) => each.length === sizeOf(family)), ttl };
}

/** Octets of an address. */
export function sizeOf(family: Family): 4 | 16 {
  return family === 4 ? 4 : 16;
}
