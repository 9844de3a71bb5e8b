/**
 * IP addresses as their octets: four or sixteen of them. The length is the family.
 *
 * The one strict parser of addresses; whoever gets text from a user, a file or a server comes here.
 */

import { sameBytes } from "../bytes.ts";
import { formatIpv4, readIpv4Text } from "./ipv4_text.ts";
import { formatIpv6, readIpv6Text } from "./ipv6_text.ts";

/** 4 octets (IPv4) or 16 (IPv6), in network order. */
export type Address = Uint8Array;

/** The address that `text` writes, or undefined when it writes none. */
export function parseAddress(text: string): Address | undefined {
  return text.includes(":") ? parseIpv6(text) : parseIpv4(text);
}

export function parseIpv4(text: string): Address | undefined {
  const out = new Uint8Array(4);
  return readIpv4Text(text, 0, text.length, out, 0) ? out : undefined;
}

export function parseIpv6(text: string): Address | undefined {
  const out = new Uint8Array(16);
  return readIpv6Text(text, out, 0) ? out : undefined;
}

export function formatAddress(address: Address): string {
  return formatAddressAt(address, 0, address.length);
}

/** The address of `length` octets at `at`, as text: for packets, without a view of their own. */
export function formatAddressAt(bytes: Uint8Array, at: number, length: number): string {
  if (length === 4) return formatIpv4(bytes, at);
  if (length === 16) return formatIpv6(bytes, at);
  throw new RangeError(`Cannot print an address of ${length} octets`);
}

export function isIpv4(address: Address): boolean {
  return address.length === 4;
}

export function isIpv6(address: Address): boolean {
  return address.length === 16;
}

export function sameAddress(a: Address, b: Address): boolean {
  return a.length === b.length && sameBytes(a, 0, b, 0, a.length);
}

/** Order for sorting: IPv4 before IPv6, then octet by octet. */
export function compareAddresses(a: Address, b: Address): number {
  if (a.length !== b.length) return a.length - b.length;
  for (let i = 0; i < a.length; i++) {
    const difference = a[i]! - b[i]!;
    if (difference !== 0) return difference;
  }
  return 0;
}
