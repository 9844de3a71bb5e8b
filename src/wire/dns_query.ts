/**
 * One DNS question, for those who ask by themselves; and what its answer says: whether it is one, and the
 * addresses in it.
 */

import type { Address } from "../addr/address.ts";
import { get16, get32, set16 } from "../bytes.ts";
import {
  check,
  FLAG_RECURSION_DESIRED,
  HEADER_LENGTH,
  isResponse,
  QUESTION_TAIL,
  readAnswerCount,
  readId,
  writeCounts,
  writeFlags,
  writeId,
} from "./dns.ts";
import { questionsEnd, RECORD_FIXED, skipName, skipRecord } from "./dns_records.ts";

/** The record that holds an address, by family. */
export const RECORD_TYPE = { 4: 1, 6: 28 } as const;
export const TYPE_NS = 2;
const CLASS_IN = 1;
const ADDRESS_LENGTHS: ReadonlyMap<number, number> = new Map([[1, 4], [28, 16]]);
/** Where the TTL is in the fixed part of a record. */
const OFFSET_TTL = 4;

/** `name` is whole, with a closing dot or without; "." is the root. */
export function composeQuery(id: number, name: string, type: number): Uint8Array<ArrayBuffer> {
  const labels = name.split(".").filter((label) => label !== "")
    .map((label) => new TextEncoder().encode(label));
  const nameLength = labels.reduce((length, label) => length + 1 + label.length, 1);
  const query = new Uint8Array(HEADER_LENGTH + nameLength + QUESTION_TAIL);
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

/** Whether it is a response with the query's ID. What it answers is another question. */
export function isResponseTo(query: Uint8Array, answer: Uint8Array): boolean {
  return check(answer, 0, answer.length) >= 0 && isResponse(answer, 0) &&
    readId(answer, 0) === readId(query, 0);
}

export interface AddressRecords {
  /** Of every record that holds one, whatever its name: a server puts aliases in front. */
  readonly addresses: Address[];
  /** For how many seconds all records of the answer hold; Infinity when there are none. */
  readonly ttl: number;
}

/** What an answer, of at least a header, says of addresses; up to where it is broken off. */
export function readAddressRecords(answer: Uint8Array): AddressRecords {
  const end = answer.length;
  const addresses: Address[] = [];
  let ttl = Infinity;
  let at = questionsEnd(answer, 0, end);
  for (let left = readAnswerCount(answer, 0); left > 0 && at >= 0; left--) {
    const next = skipRecord(answer, at, end);
    if (next < 0) break;
    const fixed = skipName(answer, at, end);
    const data = fixed + RECORD_FIXED;
    if (next - data === ADDRESS_LENGTHS.get(get16(answer, fixed))) {
      addresses.push(answer.slice(data, next));
    }
    ttl = Math.min(ttl, readTtl(answer, fixed));
    at = next;
  }
  return { addresses, ttl };
}

/** RFC 2181 section 8: one with the highest bit set is none. */
function readTtl(answer: Uint8Array, fixed: number): number {
  const ttl = get32(answer, fixed + OFFSET_TTL);
  return ttl > 0x7fff_ffff ? 0 : ttl;
}
