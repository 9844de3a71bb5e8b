/**
 * One DNS question in one UDP datagram. The system's resolver would try again in other ways until it has
 * an answer: nothing would be shown about any of them.
 */

import { formatAddressAt } from "../addr/address.ts";
import { get16, set16 } from "../bytes.ts";
import {
  check,
  FLAG_RECURSION_DESIRED,
  HEADER_LENGTH,
  isResponse,
  QUESTION_TAIL,
  readAnswerCount,
  readId,
  readRcode,
  writeCounts,
  writeFlags,
  writeId,
} from "../wire/dns.ts";
import { questionsEnd, RECORD_FIXED, skipName, skipRecord } from "../wire/dns_records.ts";

export const RECORD_TYPE = { 4: 1, 6: 28 } as const;
const CLASS_IN = 1;
const ADDRESS_LENGTHS: ReadonlyMap<number, number> = new Map([[1, 4], [28, 16]]);

export function composeQuery(id: number, name: string, type: number): Uint8Array {
  const labels = name.split(".").map((label) => new TextEncoder().encode(label));
  const query = new Uint8Array(HEADER_LENGTH + name.length + 2 + QUESTION_TAIL);
  writeId(query, 0, id);
  writeFlags(query, 0, FLAG_RECURSION_DESIRED);
  writeCounts(query, 0, 1, 0);
  let at = HEADER_LENGTH;
  for (const label of labels) {
    query[at] = label.length;
    query.set(label, at + 1);
    at += 1 + label.length;
  }
  set16(query, at + 1, type);
  set16(query, at + 3, CLASS_IN);
  return query;
}

/** The addresses in the answer to `query`. Throws when it is none, or one without addresses. */
export function readAddresses(query: Uint8Array, answer: Uint8Array): string[] {
  const end = answer.length;
  const isAnswer = check(answer, 0, end) >= 0 && isResponse(answer, 0) &&
    readId(answer, 0) === readId(query, 0);
  if (!isAnswer) throw new Error("what came is no answer to the query");
  if (readRcode(answer, 0) !== 0) throw new Error(`the answer is error ${readRcode(answer, 0)}`);
  const found: string[] = [];
  let at = questionsEnd(answer, 0, end);
  for (let left = readAnswerCount(answer, 0); left > 0 && at >= 0; left--) {
    const next = skipRecord(answer, at, end);
    if (next < 0) break;
    const fixed = skipName(answer, at, end);
    const length = ADDRESS_LENGTHS.get(get16(answer, fixed));
    if (next - fixed - RECORD_FIXED === length) {
      found.push(formatAddressAt(answer, fixed + RECORD_FIXED, length));
    }
    at = next;
  }
  if (found.length === 0) throw new Error("the answer has no address");
  return found;
}
