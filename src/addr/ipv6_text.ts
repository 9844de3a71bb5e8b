/**
 * IPv6 addresses as text: read as RFC 4291 section 2.2 allows, written as RFC 5952 asks.
 *
 * Zones (`fe80::1%eth0`) are refused: they name an interface of this host, which means nothing to a
 * packet or a proxy.
 */

import { get16, set16 } from "../bytes.ts";
import { formatIpv4, readIpv4Text } from "./ipv4_text.ts";

const COLON = 0x3a;
const DOT = 0x2e;

/** Reads all of `text` into sixteen octets at `at`; false when it is not an IPv6 address. */
export function readIpv6Text(text: string, out: Uint8Array, at: number): boolean {
  const end = text.length;
  // The longest is eight groups of which the last two are an IPv4 address: 45 characters.
  if (end < 2 || end > 45) return false;
  let groups = 0;
  let gap = -1;
  let position = 0;
  if (text.charCodeAt(0) === COLON) {
    if (text.charCodeAt(1) !== COLON) return false;
    gap = 0;
    position = 2;
  }
  while (position < end) {
    if (groups === 8) return false;
    const stop = endOfHex(text, position);
    if (text.charCodeAt(stop) === DOT) {
      if (groups > 6 || !readIpv4Text(text, position, end, out, at + groups * 2)) return false;
      groups += 2;
      break;
    }
    if (stop === position || stop - position > 4) return false;
    set16(out, at + groups * 2, parseInt(text.slice(position, stop), 16));
    groups++;
    position = stop;
    if (position === end) break;
    if (text.charCodeAt(position++) !== COLON) return false;
    if (position === end) return false;
    if (text.charCodeAt(position) === COLON) {
      if (gap >= 0) return false;
      gap = groups;
      position++;
    }
  }
  if (gap < 0) return groups === 8;
  if (groups === 8) return false;
  openGap(out, at, gap, groups);
  return true;
}

/** Moves the groups behind "::" to the end and clears what it stands for. */
function openGap(out: Uint8Array, at: number, gap: number, groups: number): void {
  const behind = (groups - gap) * 2;
  out.copyWithin(at + 16 - behind, at + gap * 2, at + groups * 2);
  out.fill(0, at + gap * 2, at + 16 - behind);
}

function endOfHex(text: string, from: number): number {
  let position = from;
  while (position < text.length && isHex(text.charCodeAt(position))) position++;
  return position;
}

function isHex(code: number): boolean {
  const letter = code | 0x20;
  return (code >= 0x30 && code <= 0x39) || (letter >= 0x61 && letter <= 0x66);
}

/** RFC 5952: lower case, no leading zeros, the first longest run of two or more zero groups is "::". */
export function formatIpv6(bytes: Uint8Array, at: number): string {
  if (isMapped(bytes, at)) return `::ffff:${formatIpv4(bytes, at + 12)}`;
  const [start, length] = longestZeroRun(bytes, at);
  if (length < 2) return formatGroups(bytes, at, 0, 8);
  return `${formatGroups(bytes, at, 0, start)}::${formatGroups(bytes, at, start + length, 8)}`;
}

function formatGroups(bytes: Uint8Array, at: number, from: number, to: number): string {
  const parts: string[] = [];
  for (let group = from; group < to; group++) parts.push(get16(bytes, at + group * 2).toString(16));
  return parts.join(":");
}

function longestZeroRun(bytes: Uint8Array, at: number): [start: number, length: number] {
  let bestStart = 0;
  let bestLength = 0;
  let length = 0;
  for (let group = 0; group < 8; group++) {
    length = get16(bytes, at + group * 2) === 0 ? length + 1 : 0;
    if (length > bestLength) {
      bestLength = length;
      bestStart = group + 1 - length;
    }
  }
  return [bestStart, bestLength];
}

/** ::ffff:0:0/96, which RFC 5952 section 5 prints with the IPv4 address readable. */
function isMapped(bytes: Uint8Array, at: number): boolean {
  for (let i = 0; i < 10; i++) {
    if (bytes[at + i] !== 0) return false;
  }
  return get16(bytes, at + 10) === 0xffff;
}
