/**
 * The records of a DNS message (RFC 1035 section 4.1.3), and the one that matters to a carrier: OPT
 * (RFC 6891), in which each side says how long a UDP answer it takes.
 *
 *     NAME … | TYPE 2 | CLASS 2 | TTL 4                         | RDLENGTH 2 | RDATA …
 *     0      |   41   | size    | RCODE 1, version 1, DO+Z 2    | RDLENGTH   | options
 *
 * Every step moves forward by at least one byte and stops at `end`, so the work is bounded by the
 * message's length, whatever its counts claim.
 */

import { get16, get8 } from "../bytes.ts";
import {
  check,
  HEADER_LENGTH,
  MAX_LABEL,
  MAX_NAME,
  QUESTION_TAIL,
  readAdditionalCount,
  readAnswerCount,
  readAuthorityCount,
  readQuestionCount,
} from "./dns.ts";

/** Type, class, TTL and RDLENGTH. */
export const RECORD_FIXED = 10;
export const TYPE_OPT = 41;
/** An OPT record without options: the root name, then the fixed part. */
export const OPT_LENGTH = 1 + RECORD_FIXED;
/** What every requester takes over UDP, whether it says so or not (RFC 1035 section 4.2.1). */
export const MIN_UDP_PAYLOAD = 512;

const POINTER = 0xc0;

/** True when the length byte starts a compression pointer (RFC 1035 section 4.1.4). */
export function isPointer(length: number): boolean {
  return (length & POINTER) === POINTER;
}

/** Where the name at `p` ends, or -1. A pointer ends a name; where it points is not looked at. */
export function skipName(bytes: Uint8Array, p: number, end: number): number {
  const limit = Math.min(end, p + MAX_NAME);
  while (p < limit) {
    const length = get8(bytes, p);
    if (length === 0) return p + 1;
    if (isPointer(length)) return p + 2 <= end ? p + 2 : -1;
    if (length > MAX_LABEL) return -1;
    p += 1 + length;
  }
  return -1;
}

/** Where the record at `p` ends, or -1. */
export function skipRecord(bytes: Uint8Array, p: number, end: number): number {
  const fixed = skipName(bytes, p, end);
  if (fixed < 0 || fixed + RECORD_FIXED > end) return -1;
  const next = fixed + RECORD_FIXED + get16(bytes, fixed + 8);
  return next <= end ? next : -1;
}

/** Where the question section ends, which is where the first record starts, or -1. */
export function questionsEnd(bytes: Uint8Array, at: number, end: number): number {
  if (check(bytes, at, end) < 0) return -1;
  let p = at + HEADER_LENGTH;
  for (let left = readQuestionCount(bytes, at); left > 0; left--) {
    p = skipName(bytes, p, end);
    if (p < 0 || p + QUESTION_TAIL > end) return -1;
    p += QUESTION_TAIL;
  }
  return p;
}

/** Where the OPT record starts, or -1 when there is none or the message is broken before it. */
export function findOpt(bytes: Uint8Array, at: number, end: number): number {
  let p = questionsEnd(bytes, at, end);
  if (p < 0) return -1;
  for (let left = readAnswerCount(bytes, at) + readAuthorityCount(bytes, at); left > 0; left--) {
    p = skipRecord(bytes, p, end);
    if (p < 0) return -1;
  }
  for (let left = readAdditionalCount(bytes, at); left > 0; left--) {
    const next = skipRecord(bytes, p, end);
    if (next < 0) return -1;
    if (get8(bytes, p) === 0 && get16(bytes, p + 1) === TYPE_OPT) return p;
    p = next;
  }
  return -1;
}

/** The longest UDP answer that the sender of this message takes. */
export function readUdpPayloadSize(bytes: Uint8Array, at: number, end: number): number {
  const opt = findOpt(bytes, at, end);
  return opt < 0 ? MIN_UDP_PAYLOAD : Math.max(MIN_UDP_PAYLOAD, get16(bytes, opt + 3));
}
