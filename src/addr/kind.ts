/**
 * What kind of address it is, by the registries of RFC 6890 and RFC 4291.
 *
 * Each question looks at `length` octets at `at`, so that packets need no view per address.
 * IPv4-mapped IPv6 addresses are IPv6 here: they do not appear on the wire.
 */

import { get16, get32 } from "../bytes.ts";
import type { Address } from "./address.ts";

/** 0.0.0.0 or ::. */
export function isUnspecified(bytes: Address, at = 0, length = bytes.length): boolean {
  for (let i = 0; i < length; i++) {
    if (bytes[at + i] !== 0) return false;
  }
  return true;
}

/** 127.0.0.0/8 or ::1. */
export function isLoopback(bytes: Address, at = 0, length = bytes.length): boolean {
  if (length === 4) return bytes[at] === 127;
  return isUnspecified(bytes, at, 15) && bytes[at + 15] === 1;
}

/** 10/8, 172.16/12, 192.168/16 (RFC 1918), or fc00::/7 (RFC 4193). */
export function isPrivate(bytes: Address, at = 0, length = bytes.length): boolean {
  if (length === 16) return (bytes[at]! & 0xfe) === 0xfc;
  return bytes[at] === 10 || (get16(bytes, at) & 0xfff0) === 0xac10 || get16(bytes, at) === 0xc0a8;
}

/** 169.254.0.0/16 or fe80::/10. */
export function isLinkLocal(bytes: Address, at = 0, length = bytes.length): boolean {
  const first = get16(bytes, at);
  return length === 4 ? first === 0xa9fe : (first & 0xffc0) === 0xfe80;
}

/** 224.0.0.0/4 or ff00::/8. */
export function isMulticast(bytes: Address, at = 0, length = bytes.length): boolean {
  return length === 4 ? (bytes[at]! & 0xf0) === 0xe0 : bytes[at] === 0xff;
}

/** 255.255.255.255; IPv6 has no broadcast. */
export function isBroadcast(bytes: Address, at = 0, length = bytes.length): boolean {
  return length === 4 && get32(bytes, at) === 0xffff_ffff;
}
