/**
 * The Internet checksum (RFC 1071).
 *
 * A sum is carried as a plain number of 16-bit words added up; `fold` brings it back to 16 bits. On the
 * offloaded path only headers and pseudo-headers are summed here, never a payload.
 */

/** Adds the words of `[at, end)` to `sum`. An odd last byte counts as the high half of a word. */
export function addWords(bytes: Uint8Array, at: number, end: number, sum: number): number {
  // 2^15 words of 16 bits stay below 2^31, so additions remain small integers.
  const even = end - ((end - at) & 1);
  let i = at;
  for (const four = even - 6; i < four; i += 8) {
    sum += ((bytes[i]! << 8) | bytes[i + 1]!) + ((bytes[i + 2]! << 8) | bytes[i + 3]!) +
      ((bytes[i + 4]! << 8) | bytes[i + 5]!) + ((bytes[i + 6]! << 8) | bytes[i + 7]!);
  }
  for (; i < even; i += 2) sum += (bytes[i]! << 8) | bytes[i + 1]!;
  if (even < end) sum += bytes[even]! << 8;
  return sum;
}

/** Brings a sum back to 16 bits (end-around carry). */
export function fold(sum: number): number {
  while (sum > 0xffff) sum = (sum & 0xffff) + Math.floor(sum / 0x1_0000);
  return sum;
}

/** The value for a checksum field: the complement of the folded sum. */
export function complement(sum: number): number {
  return ~fold(sum) & 0xffff;
}

/** The sum of the pseudo-header that TCP, UDP and ICMPv6 share, for addresses that lie in `bytes`. */
export function pseudoHeader(
  bytes: Uint8Array,
  sourceAt: number,
  destinationAt: number,
  addressLength: number,
  protocol: number,
  length: number,
): number {
  const addresses = addWords(bytes, sourceAt, sourceAt + addressLength, 0);
  return addWords(bytes, destinationAt, destinationAt + addressLength, addresses) + protocol +
    (length >>> 16) + (length & 0xffff);
}
