/**
 * The two kinds of answer that a carrier writes itself: one cut to what the requester takes (RFC 2181
 * section 9, RFC 6891 section 7), and an error in place of an answer that cannot be had.
 */

import { get8, set16, set32 } from "../bytes.ts";
import {
  check,
  FLAG_RECURSION_AVAILABLE,
  FLAG_RECURSION_DESIRED,
  FLAG_RESPONSE,
  HEADER_LENGTH,
  isQuery,
  MASK_OPCODE,
  MAX_NAME,
  QUESTION_TAIL,
  questionEnd,
  readFlags,
  readId,
  readQuestionCount,
  setTruncated,
  writeCounts,
  writeFlags,
  writeId,
} from "./dns.ts";
import { findOpt, OPT_LENGTH, skipRecord, TYPE_OPT } from "./dns_records.ts";

/** Extended DNS errors (RFC 8914) that a carrier can mean: it could not get through to the server. */
export const EXTENDED_NETWORK_ERROR = 23;

const OPTION_EXTENDED_ERROR = 15;
/** Option code, length, INFO-CODE, no text. */
const EXTENDED_ERROR_LENGTH = 6;
/** What DNS Flag Day 2020 settled on: a UDP answer of this size is not fragmented anywhere. */
const OWN_UDP_PAYLOAD = 1232;

/** No error answer is longer than this. */
export const MAX_ERROR_LENGTH = HEADER_LENGTH + MAX_NAME + QUESTION_TAIL + OPT_LENGTH +
  EXTENDED_ERROR_LENGTH;

/**
 * Cuts an answer in place so that it fits into `limit` bytes; the new end, or -1 when not even a
 * header fits. An answer that fits is left as it is.
 *
 * What stays is header, question and OPT, with TC set: a requester must not use the records of a
 * truncated answer anyhow. OPT goes last: it loses its options, then itself, if there is no room.
 */
export function truncate(bytes: Uint8Array, at: number, end: number, limit: number): number {
  if (check(bytes, at, end) < 0 || limit < HEADER_LENGTH) return -1;
  if (end - at <= limit) return end;
  setTruncated(bytes, at);
  const opt = findOpt(bytes, at, end);
  const stop = readQuestionCount(bytes, at) === 1 ? questionEnd(bytes, at, end) : -1;
  if (stop < 0 || stop - at > limit) {
    writeCounts(bytes, at, 0, 0);
    return at + HEADER_LENGTH;
  }
  const room = limit - (stop - at);
  if (opt < 0 || room < OPT_LENGTH) {
    writeCounts(bytes, at, 1, 0);
    return stop;
  }
  writeCounts(bytes, at, 1, 1);
  return moveOpt(bytes, stop, opt, skipRecord(bytes, opt, end), room);
}

/** Moves the OPT record `[opt, optEnd)` down to `to`, without its options if they do not fit. */
function moveOpt(bytes: Uint8Array, to: number, opt: number, optEnd: number, room: number): number {
  const whole = optEnd - opt <= room;
  const length = whole ? optEnd - opt : OPT_LENGTH;
  bytes.copyWithin(to, opt, opt + length);
  if (!whole) set16(bytes, to + OPT_LENGTH - 2, 0);
  return to + length;
}

/**
 * Writes an error answer to the query `[at, end)` at `outAt`; where it ends, or -1 when that is no
 * query. `out` has room for `MAX_ERROR_LENGTH` bytes there.
 *
 * Who asked with EDNS is answered with EDNS, as RFC 6891 section 6.1.1 wants, and then can be told why.
 */
export function writeError(
  bytes: Uint8Array,
  at: number,
  end: number,
  rcode: number,
  extendedError: number,
  out: Uint8Array,
  outAt: number,
): number {
  if (!isQuery(bytes, at, end)) return -1;
  const stop = questionEnd(bytes, at, end);
  const kept = readFlags(bytes, at) & (MASK_OPCODE | FLAG_RECURSION_DESIRED);
  const withOpt = findOpt(bytes, at, end) >= 0;
  writeId(out, outAt, readId(bytes, at));
  writeFlags(out, outAt, FLAG_RESPONSE | FLAG_RECURSION_AVAILABLE | kept | rcode);
  writeCounts(out, outAt, 1, withOpt ? 1 : 0);
  for (let i = HEADER_LENGTH; i < stop - at; i++) out[outAt + i] = get8(bytes, at + i);
  const p = outAt + (stop - at);
  return withOpt ? writeOptWithError(out, p, extendedError) : p;
}

function writeOptWithError(out: Uint8Array, p: number, extendedError: number): number {
  out[p] = 0;
  set16(out, p + 1, TYPE_OPT);
  set16(out, p + 3, OWN_UDP_PAYLOAD);
  set32(out, p + 5, 0);
  set16(out, p + 9, EXTENDED_ERROR_LENGTH);
  set16(out, p + 11, OPTION_EXTENDED_ERROR);
  set16(out, p + 13, 2);
  set16(out, p + 15, extendedError);
  return p + OPT_LENGTH + EXTENDED_ERROR_LENGTH;
}
