/**
 * IPv6 headers and the walk over extension headers (RFC 8200).
 *
 *      |Version| Traffic class |              Flow label               |
 *      |         Payload length        |  Next header  |   Hop limit   |
 *      |                    Source address (16 bytes)                  |
 *      |                 Destination address (16 bytes)                |
 */

import { get16, set16, set32 } from "../bytes.ts";

export const IPV6_HEADER = 40;
export const IPV6_PAYLOAD_LENGTH = 4;
export const IPV6_NEXT_HEADER = 6;
export const IPV6_HOP_LIMIT = 7;
export const IPV6_SOURCE = 8;
export const IPV6_DESTINATION = 24;
export const IPV6_FRAGMENT_HEADER = 8;

const HOP_BY_HOP = 0;
const ROUTING = 43;
export const FRAGMENT = 44;
const AUTHENTICATION = 51;
export const NO_NEXT_HEADER = 59;
const DESTINATION_OPTIONS = 60;

/** More extension headers than this is nothing that a real sender makes (RFC 8504, section 5.3). */
const MOST_EXTENSIONS = 8;

/** True when a whole header and the payload it announces lie in `[at, end)`. */
export function checkIpv6(bytes: Uint8Array, at: number, end: number): boolean {
  return end - at >= IPV6_HEADER && bytes[at]! >> 4 === 6 &&
    at + IPV6_HEADER + get16(bytes, at + IPV6_PAYLOAD_LENGTH) <= end;
}

/** Where the walk over extension headers ended. */
export class ExtensionWalk {
  /** The upper protocol, or `NO_NEXT_HEADER`. */
  protocol = 0;
  /** Where the upper protocol begins. */
  payloadAt = 0;
  /** Where the fragment header lies, or -1. The walk stops behind it unless it is an atomic fragment. */
  fragmentAt = -1;
  /** Where the byte lies that says "fragment header follows"; reassembly rewrites it. */
  nextHeaderAt = 0;

  /** Walks from the fixed header at `at`; false when a header leaves the packet or there are too many. */
  walk(bytes: Uint8Array, at: number, end: number): boolean {
    let next = bytes[at + IPV6_NEXT_HEADER]!;
    let nextHeaderAt = at + IPV6_NEXT_HEADER;
    let here = at + IPV6_HEADER;
    this.fragmentAt = -1;
    for (let count = 0; count <= MOST_EXTENSIONS; count++) {
      const length = extensionLength(bytes, here, end, next);
      if (length === 0) {
        this.protocol = next;
        this.payloadAt = here;
        return true;
      }
      if (length < 0 || here + length > end) return false;
      if (next === FRAGMENT) {
        this.fragmentAt = here;
        this.nextHeaderAt = nextHeaderAt;
        // Behind a fragment header that is not atomic there is only a piece: nothing to walk.
        if ((get16(bytes, here + 2) & 0xfff9) !== 0) {
          this.protocol = bytes[here]!;
          this.payloadAt = here + length;
          return true;
        }
      }
      next = bytes[here]!;
      nextHeaderAt = here;
      here += length;
    }
    return false;
  }
}

/** The length of the extension header `kind` at `here`; 0 when it is not one, -1 when it is cut off. */
function extensionLength(bytes: Uint8Array, here: number, end: number, kind: number): number {
  switch (kind) {
    case FRAGMENT:
      return end - here < IPV6_FRAGMENT_HEADER ? -1 : IPV6_FRAGMENT_HEADER;
    case HOP_BY_HOP:
    case ROUTING:
    case DESTINATION_OPTIONS:
      return end - here < 8 ? -1 : (bytes[here + 1]! + 1) * 8;
    case AUTHENTICATION:
      return end - here < 8 ? -1 : (bytes[here + 1]! + 2) * 4;
    default:
      return 0;
  }
}

/** Writes the fixed header; the addresses are the caller's. */
export function writeIpv6(
  bytes: Uint8Array,
  at: number,
  nextHeader: number,
  payloadLength: number,
  hopLimit: number,
): void {
  set32(bytes, at, 0x6000_0000);
  set16(bytes, at + IPV6_PAYLOAD_LENGTH, payloadLength);
  bytes[at + IPV6_NEXT_HEADER] = nextHeader;
  bytes[at + IPV6_HOP_LIMIT] = hopLimit;
}
