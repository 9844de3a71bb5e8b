/**
 * ICMP (RFC 792) and ICMPv6 (RFC 4443): echo, and errors under one set of names for both families.
 *
 *     type · code · checksum (2) · 4 bytes that depend on the type · quoted packet
 */

export const ICMP_HEADER = 8;
export const ICMP_CHECKSUM = 2;

export const ECHO_REQUEST_4 = 8;
export const ECHO_REPLY_4 = 0;
export const ECHO_REQUEST_6 = 128;
export const ECHO_REPLY_6 = 129;

/** What went wrong, whichever family says it. */
export type IcmpError =
  | "network-unreachable"
  | "host-unreachable"
  | "port-unreachable"
  | "prohibited"
  | "too-big"
  | "hop-limit"
  | "reassembly-time";

interface TypeAndCode {
  readonly type: number;
  readonly code: number;
}

const CODES_4: Readonly<Record<IcmpError, TypeAndCode>> = {
  "network-unreachable": { type: 3, code: 0 },
  "host-unreachable": { type: 3, code: 1 },
  "port-unreachable": { type: 3, code: 3 },
  "prohibited": { type: 3, code: 13 },
  "too-big": { type: 3, code: 4 },
  "hop-limit": { type: 11, code: 0 },
  "reassembly-time": { type: 11, code: 1 },
};

const CODES_6: Readonly<Record<IcmpError, TypeAndCode>> = {
  "network-unreachable": { type: 1, code: 0 },
  "host-unreachable": { type: 1, code: 3 },
  "port-unreachable": { type: 1, code: 4 },
  "prohibited": { type: 1, code: 1 },
  "too-big": { type: 2, code: 0 },
  "hop-limit": { type: 3, code: 0 },
  "reassembly-time": { type: 3, code: 1 },
};

/** How much of the offending packet an error may quote: RFC 1812 (576 in all), RFC 4443 (1280 in all). */
export const QUOTE_4 = 576 - 28;
export const QUOTE_6 = 1280 - 48;

export function icmpTypeAndCode(error: IcmpError, addressLength: number): TypeAndCode {
  return addressLength === 4 ? CODES_4[error] : CODES_6[error];
}

/** True for messages that report an error; those are never answered with another (RFC 1122, 4443). */
export function isIcmpError(type: number, addressLength: number): boolean {
  return addressLength === 4
    ? type === 3 || type === 4 || type === 5 || type === 11 || type === 12
    : type < 128;
}

/** True when this message says "packet too big" (or "fragmentation needed"). */
export function isTooBig(type: number, code: number, addressLength: number): boolean {
  return addressLength === 4 ? type === 3 && code === 4 : type === 2;
}
