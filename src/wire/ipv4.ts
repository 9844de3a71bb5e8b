/**
 * IPv4 headers (RFC 791).
 *
 *      0               1               2               3
 *     |Version|  IHL  |Type of service|          Total length         |
 *     |         Identification        |Flags|     Fragment offset     |
 *     |  Time to live |    Protocol   |        Header checksum        |
 *     |                         Source address                        |
 *     |                      Destination address                      |
 */

import { get16, set16 } from "../bytes.ts";
import { addWords, complement, fold } from "./checksum.ts";

export const IPV4_HEADER = 20;
export const IPV4_TOTAL_LENGTH = 2;
export const IPV4_ID = 4;
export const IPV4_FRAGMENT = 6;
export const IPV4_TTL = 8;
export const IPV4_PROTOCOL = 9;
export const IPV4_CHECKSUM = 10;
export const IPV4_SOURCE = 12;
export const IPV4_DESTINATION = 16;

export const IPV4_DONT_FRAGMENT = 0x4000;
export const IPV4_MORE_FRAGMENTS = 0x2000;

/** The header's length when a whole, sane header and the packet it announces fit; -1 when not. */
export function checkIpv4(bytes: Uint8Array, at: number, end: number): number {
  if (end - at < IPV4_HEADER) return -1;
  const first = bytes[at]!;
  const headerLength = (first & 15) * 4;
  const total = get16(bytes, at + IPV4_TOTAL_LENGTH);
  if (first >> 4 !== 4 || headerLength < IPV4_HEADER || total < headerLength) return -1;
  return at + total > end ? -1 : headerLength;
}

/** True when the header's own checksum holds. */
export function ipv4ChecksumHolds(bytes: Uint8Array, at: number, headerLength: number): boolean {
  return fold(addWords(bytes, at, at + headerLength, 0)) === 0xffff;
}

/** Writes a header without options and without its addresses' neighbours touched; checksum included. */
export function writeIpv4(
  bytes: Uint8Array,
  at: number,
  protocol: number,
  totalLength: number,
  id: number,
  fragment: number,
  ttl: number,
): void {
  bytes[at] = 0x45;
  bytes[at + 1] = 0;
  set16(bytes, at + IPV4_TOTAL_LENGTH, totalLength);
  set16(bytes, at + IPV4_ID, id);
  set16(bytes, at + IPV4_FRAGMENT, fragment);
  bytes[at + IPV4_TTL] = ttl;
  bytes[at + IPV4_PROTOCOL] = protocol;
  set16(bytes, at + IPV4_CHECKSUM, 0);
  set16(bytes, at + IPV4_CHECKSUM, complement(addWords(bytes, at, at + IPV4_HEADER, 0)));
}
