/**
 * An address with the length of its network part: `10.0.0.0/8`, `fd00::/8`.
 *
 * Bits behind the length are kept, because `192.0.2.1/24` on a device says both who we are and who our
 * neighbours are; `networkOf` clears them, and `isNetwork` asks.
 */

import { type Address, compareAddresses, formatAddress, parseAddress } from "./address.ts";

export interface Prefix {
  readonly address: Address;
  /** Leading bits that count: 0–32 or 0–128. */
  readonly length: number;
}

/** The prefix that `text` writes, or undefined. An address alone is a prefix of its full length. */
export function parsePrefix(text: string): Prefix | undefined {
  const slash = text.indexOf("/");
  const address = parseAddress(slash < 0 ? text : text.slice(0, slash));
  if (address === undefined) return undefined;
  const bits = address.length * 8;
  if (slash < 0) return { address, length: bits };
  const length = text.slice(slash + 1);
  if (!/^(0|[1-9][0-9]{0,2})$/.test(length) || Number(length) > bits) return undefined;
  return { address, length: Number(length) };
}

export function formatPrefix(prefix: Prefix): string {
  return `${formatAddress(prefix.address)}/${prefix.length}`;
}

/** The same prefix with the bits behind its length cleared. */
export function networkOf(prefix: Prefix): Prefix {
  const address = prefix.address.slice();
  for (let i = 0; i < address.length; i++) address[i]! &= maskOctet(prefix.length, i);
  return { address, length: prefix.length };
}

/** True when no bit behind the length is set. */
export function isNetwork(prefix: Prefix): boolean {
  const { address, length } = prefix;
  for (let i = 0; i < address.length; i++) {
    if ((address[i]! & ~maskOctet(length, i)) !== 0) return false;
  }
  return true;
}

/** True when `address` is of the prefix's family and lies in it. */
export function prefixContains(prefix: Prefix, address: Address): boolean {
  if (prefix.address.length !== address.length) return false;
  for (let i = 0; i * 8 < prefix.length; i++) {
    if (((prefix.address[i]! ^ address[i]!) & maskOctet(prefix.length, i)) !== 0) return false;
  }
  return true;
}

/** Order for sorting: by address, then the shorter (wider) first. */
export function comparePrefixes(a: Prefix, b: Prefix): number {
  return compareAddresses(a.address, b.address) || a.length - b.length;
}

/** The bits of octet `index` that lie within the first `length` bits. */
function maskOctet(length: number, index: number): number {
  const bits = Math.min(8, Math.max(0, length - index * 8));
  return (0xff00 >>> bits) & 0xff;
}
