/**
 * Makes lengths and checksums of a damaged packet right again, so that the damage gets past the first
 * check that would have stopped it.
 */

import { get16, set16 } from "../../src/bytes.ts";
import { addWords, complement } from "../../src/wire/checksum.ts";
import { ICMP, ICMPV6, TCP, UDP } from "../../src/wire/protocol.ts";

/** Writes the true lengths into the IP header, and into a UDP header right behind it. */
export function repairLengths(bytes: Uint8Array, at: number, end: number): void {
  if (end - at < 20) return;
  if (bytes[at]! >> 4 === 4) set16(bytes, at + 2, end - at);
  else if (end - at >= 40) set16(bytes, at + 4, end - at - 40);
  const upper = upperOf(bytes, at, end);
  if (protocolOf(bytes, at) === UDP && upper + 8 <= end && !isFragment(bytes, at)) {
    set16(bytes, upper + 4, end - upper);
  }
}

/** Writes the checksums of the IP header and of what follows right behind it. */
export function repairChecksums(bytes: Uint8Array, at: number, end: number): void {
  if (end - at < 20) return;
  const ipv4 = bytes[at]! >> 4 === 4;
  const upper = upperOf(bytes, at, end);
  if (ipv4 && upper <= end) {
    set16(bytes, at + 10, 0);
    set16(bytes, at + 10, complement(addWords(bytes, at, upper, 0)));
  }
  const field = checksumField(protocolOf(bytes, at));
  if (field < 0 || upper + field + 2 > end || isFragment(bytes, at)) return;
  set16(bytes, upper + field, 0);
  const sum = complement(addWords(bytes, upper, end, pseudoSum(bytes, at, end - upper)));
  set16(bytes, upper + field, sum === 0 ? 0xffff : sum);
}

function upperOf(bytes: Uint8Array, at: number, end: number): number {
  if (bytes[at]! >> 4 === 4) return at + (bytes[at]! & 15) * 4;
  return end - at < 40 ? end : at + 40;
}

function protocolOf(bytes: Uint8Array, at: number): number {
  return bytes[at]! >> 4 === 4 ? bytes[at + 9]! : bytes[at + 6]!;
}

function isFragment(bytes: Uint8Array, at: number): boolean {
  return bytes[at]! >> 4 === 4 && (get16(bytes, at + 6) & 0x3fff) !== 0;
}

function checksumField(protocol: number): number {
  if (protocol === TCP) return 16;
  if (protocol === UDP) return 6;
  return protocol === ICMP || protocol === ICMPV6 ? 2 : -1;
}

function pseudoSum(bytes: Uint8Array, at: number, length: number): number {
  const protocol = protocolOf(bytes, at);
  if (protocol === ICMP) return 0;
  const [from, to] = bytes[at]! >> 4 === 4 ? [at + 12, at + 20] : [at + 8, at + 40];
  return addWords(bytes, from, to, 0) + protocol + length;
}
