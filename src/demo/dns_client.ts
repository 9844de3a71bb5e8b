/**
 * What an answer to the demo's own question says. The system's resolver would try again in other ways
 * until it has an answer: nothing would be shown about any of them.
 */

import { formatAddress } from "../addr/address.ts";
import { readRcode } from "../wire/dns.ts";
import { isResponseTo, readAddressRecords } from "../wire/dns_query.ts";

/** The addresses in the answer to `query`. Throws when it is none, or one without addresses. */
export function readAddresses(query: Uint8Array, answer: Uint8Array): string[] {
  if (!isResponseTo(query, answer)) throw new Error("what came is no answer to the query");
  if (readRcode(answer, 0) !== 0) throw new Error(`the answer is error ${readRcode(answer, 0)}`);
  const found = readAddressRecords(answer).addresses.map(formatAddress);
  if (found.length === 0) throw new Error("the answer has no address");
  return found;
}
