/** Answers of the demo's DNS server: one query in, one message out. */

import type { Address } from "../addr/address.ts";
import { set16, set32 } from "../bytes.ts";
import {
  FLAG_RECURSION_AVAILABLE,
  FLAG_RECURSION_DESIRED,
  FLAG_RESPONSE,
  HEADER_LENGTH,
  isQuery,
  MAX_MESSAGE,
  questionEnd,
  Rcode,
  readFlags,
  readOpcode,
  readQuestionClass,
  readQuestionType,
  writeCounts,
  writeFlags,
} from "../wire/dns.ts";
import { truncate } from "../wire/dns_answer.ts";
import { readUdpPayloadSize } from "../wire/dns_records.ts";
import { readName } from "../wire/dns_text.ts";

/** Addresses by name: lower case, no closing dot. */
export type Zone = ReadonlyMap<string, readonly Address[]>;

const TYPE_A = 1;
const TYPE_AAAA = 28;
const CLASS_IN = 1;
const TTL = 60;
const OFFSET_ANCOUNT = 6;
/** A pointer to the question's name, right after the header. */
const NAME_POINTER = 0xc000 | HEADER_LENGTH;
const RECORD_OVERHEAD = 12;

/** Undefined for what is no query: it is not answered. */
export function answerQuery(
  query: Uint8Array,
  zone: Zone,
  transport: "udp" | "tcp",
): Uint8Array | undefined {
  if (!isQuery(query, 0, query.length)) return undefined;
  const stop = questionEnd(query, 0, query.length);
  const name = readName(query, 0, HEADER_LENGTH, query.length);
  const addresses = name === undefined ? undefined : zone.get(nameKey(name));
  const records = (addresses ?? []).filter((address) => isAsked(query, stop, address));
  const answer = new Uint8Array(stop + records.length * (RECORD_OVERHEAD + 16));
  answer.set(query.subarray(0, stop));
  const end = writeRecords(answer, stop, records);
  const kept = readFlags(query, 0) & FLAG_RECURSION_DESIRED;
  const rcode = rcodeFor(query, addresses);
  writeFlags(answer, 0, FLAG_RESPONSE | FLAG_RECURSION_AVAILABLE | kept | rcode);
  writeCounts(answer, 0, 1, 0);
  set16(answer, OFFSET_ANCOUNT, records.length);
  const limit = transport === "tcp" ? MAX_MESSAGE : readUdpPayloadSize(query, 0, query.length);
  return answer.subarray(0, truncate(answer, 0, end, limit));
}

function rcodeFor(query: Uint8Array, addresses: readonly Address[] | undefined): number {
  if (readOpcode(query, 0) !== 0) return Rcode.NotImp;
  return addresses === undefined ? Rcode.NXDomain : Rcode.NoError;
}

/** Without the closing dot, and in lower case: `Demo.Test.` is demo.test. */
function nameKey(name: string): string {
  return name.replace(/\.$/, "").toLowerCase();
}

function isAsked(query: Uint8Array, stop: number, address: Address): boolean {
  const type = address.length === 4 ? TYPE_A : TYPE_AAAA;
  return readOpcode(query, 0) === 0 && readQuestionType(query, stop) === type &&
    readQuestionClass(query, stop) === CLASS_IN;
}

function writeRecords(out: Uint8Array, from: number, addresses: readonly Address[]): number {
  let at = from;
  for (const address of addresses) {
    set16(out, at, NAME_POINTER);
    set16(out, at + 2, address.length === 4 ? TYPE_A : TYPE_AAAA);
    set16(out, at + 4, CLASS_IN);
    set32(out, at + 6, TTL);
    set16(out, at + 10, address.length);
    out.set(address, at + RECORD_OVERHEAD);
    at += RECORD_OVERHEAD + address.length;
  }
  return at;
}
