/**
 * DNS messages (RFC 1035 section 4.1): the header and the first question.
 *
 *     0                   1                   2                   3
 *     +-------------------------------+-+-------+-+-+-+-+-----+-------+
 *     |              ID               |Q|Opcode |A|T|R|R|  Z  | RCODE |
 *     |                               |R|       |A|C|D|A|     |       |
 *     +-------------------------------+-+-------+-+-+-+-+-----+-------+
 *     |            QDCOUNT            |            ANCOUNT            |
 *     +-------------------------------+-------------------------------+
 *     |            NSCOUNT            |            ARCOUNT            |
 *     +-------------------------------+-------------------------------+
 *     |   QNAME (labels, then 0) …            |  QTYPE  |   QCLASS    |
 *
 * A message is `[at, end)`. `check`, `questionEnd`, `isQuery` and `questionEquals` take anything; the
 * accessors trust that one of them has said yes. Records after the question are `dns_records.ts`.
 */

import { get16, get8, sameBytes, set16 } from "../bytes.ts";

export const HEADER_LENGTH = 12;
/** The longest name on the wire, its closing zero included (RFC 1035 section 2.3.4). */
export const MAX_NAME = 255;
export const MAX_LABEL = 63;
/** What the two-byte length of TCP can say, and UDP cannot exceed. */
export const MAX_MESSAGE = 65_535;
/** Type and class, after the name of a question. */
export const QUESTION_TAIL = 4;

const OFFSET_FLAGS = 2;
const OFFSET_QDCOUNT = 4;
const OFFSET_ANCOUNT = 6;
const OFFSET_NSCOUNT = 8;
const OFFSET_ARCOUNT = 10;

export const FLAG_RESPONSE = 0x8000;
export const FLAG_TRUNCATED = 0x0200;
export const FLAG_RECURSION_DESIRED = 0x0100;
export const FLAG_RECURSION_AVAILABLE = 0x0080;
export const MASK_OPCODE = 0x7800;
const MASK_RCODE = 0x000f;

export const Rcode = {
  NoError: 0,
  FormErr: 1,
  ServFail: 2,
  NXDomain: 3,
  NotImp: 4,
  Refused: 5,
} as const;

/** The header's length, or -1 when the message is shorter than that. */
export function check(_bytes: Uint8Array, at: number, end: number): number {
  return end - at < HEADER_LENGTH ? -1 : HEADER_LENGTH;
}

export function readId(bytes: Uint8Array, at: number): number {
  return get16(bytes, at);
}

export function writeId(bytes: Uint8Array, at: number, id: number): void {
  set16(bytes, at, id);
}

export function readFlags(bytes: Uint8Array, at: number): number {
  return get16(bytes, at + OFFSET_FLAGS);
}

export function writeFlags(bytes: Uint8Array, at: number, flags: number): void {
  set16(bytes, at + OFFSET_FLAGS, flags);
}

export function isResponse(bytes: Uint8Array, at: number): boolean {
  return (readFlags(bytes, at) & FLAG_RESPONSE) !== 0;
}

export function isTruncated(bytes: Uint8Array, at: number): boolean {
  return (readFlags(bytes, at) & FLAG_TRUNCATED) !== 0;
}

export function setTruncated(bytes: Uint8Array, at: number): void {
  writeFlags(bytes, at, readFlags(bytes, at) | FLAG_TRUNCATED);
}

export function clearTruncated(bytes: Uint8Array, at: number): void {
  writeFlags(bytes, at, readFlags(bytes, at) & ~FLAG_TRUNCATED);
}

export function readOpcode(bytes: Uint8Array, at: number): number {
  return (readFlags(bytes, at) & MASK_OPCODE) >>> 11;
}

export function readRcode(bytes: Uint8Array, at: number): number {
  return readFlags(bytes, at) & MASK_RCODE;
}

export function readQuestionCount(bytes: Uint8Array, at: number): number {
  return get16(bytes, at + OFFSET_QDCOUNT);
}

export function readAnswerCount(bytes: Uint8Array, at: number): number {
  return get16(bytes, at + OFFSET_ANCOUNT);
}

export function readAuthorityCount(bytes: Uint8Array, at: number): number {
  return get16(bytes, at + OFFSET_NSCOUNT);
}

export function readAdditionalCount(bytes: Uint8Array, at: number): number {
  return get16(bytes, at + OFFSET_ARCOUNT);
}

/** Writes the counts of a message that has no answer and no authority records. */
export function writeCounts(
  bytes: Uint8Array,
  at: number,
  questions: number,
  additional: number,
): void {
  set16(bytes, at + OFFSET_QDCOUNT, questions);
  set16(bytes, at + OFFSET_ANCOUNT, 0);
  set16(bytes, at + OFFSET_NSCOUNT, 0);
  set16(bytes, at + OFFSET_ARCOUNT, additional);
}

/**
 * Where the first question ends, or -1. Its name is `[at + HEADER_LENGTH, questionEnd - QUESTION_TAIL)`.
 *
 * A compression pointer is refused: in front of the first name there is nothing it could point to.
 */
export function questionEnd(bytes: Uint8Array, at: number, end: number): number {
  if (check(bytes, at, end) < 0) return -1;
  let p = at + HEADER_LENGTH;
  const limit = Math.min(end, p + MAX_NAME);
  while (p < limit) {
    const length = get8(bytes, p++);
    if (length === 0) return p + QUESTION_TAIL <= end ? p + QUESTION_TAIL : -1;
    if (length > MAX_LABEL) return -1;
    p += length;
  }
  return -1;
}

/** QTYPE of the question that ends at `questionEnd`. */
export function readQuestionType(bytes: Uint8Array, questionEnd: number): number {
  return get16(bytes, questionEnd - 4);
}

/** QCLASS of the question that ends at `questionEnd`. */
export function readQuestionClass(bytes: Uint8Array, questionEnd: number): number {
  return get16(bytes, questionEnd - 2);
}

/**
 * True for a message that can be carried and answered: not a response, one well-formed question.
 * NOTIFY and UPDATE pass too; they count one zone where a query counts one question.
 */
export function isQuery(bytes: Uint8Array, at: number, end: number): boolean {
  return questionEnd(bytes, at, end) >= 0 && !isResponse(bytes, at) &&
    readQuestionCount(bytes, at) === 1;
}

/**
 * True when both messages ask the same. Case in names does not count (RFC 4343): a server need not
 * give back the case that it was asked in, and the asker judges that for itself (0x20).
 */
export function questionEquals(
  a: Uint8Array,
  atA: number,
  endA: number,
  b: Uint8Array,
  atB: number,
  endB: number,
): boolean {
  const stopA = questionEnd(a, atA, endA);
  const stopB = questionEnd(b, atB, endB);
  if (stopA < 0 || stopB < 0 || stopA - atA !== stopB - atB) return false;
  if (readQuestionCount(a, atA) !== 1 || readQuestionCount(b, atB) !== 1) return false;
  const nameLength = stopA - atA - HEADER_LENGTH - QUESTION_TAIL;
  return sameName(a, atA + HEADER_LENGTH, b, atB + HEADER_LENGTH, nameLength) &&
    sameBytes(a, stopA - QUESTION_TAIL, b, stopB - QUESTION_TAIL, QUESTION_TAIL);
}

/** Label lengths are at most 63, below "A", so folding whole names does not touch them. */
function sameName(a: Uint8Array, atA: number, b: Uint8Array, atB: number, length: number): boolean {
  for (let i = 0; i < length; i++) {
    if (lowerCase(get8(a, atA + i)) !== lowerCase(get8(b, atB + i))) return false;
  }
  return true;
}

function lowerCase(code: number): number {
  return code >= 0x41 && code <= 0x5a ? code | 0x20 : code;
}
