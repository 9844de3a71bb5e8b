/**
 * One IP packet, decoded in place: where its addresses, its upper protocol and its payload lie.
 *
 * There is one object of this kind per reader, overwritten with each packet. Nothing here throws: what
 * is malformed is told by name, for the caller to count and drop.
 */

import { get16, get16le, get32 } from "../bytes.ts";
import { addWords, fold, pseudoHeader } from "./checksum.ts";
import {
  checkIpv4,
  IPV4_DESTINATION,
  IPV4_FRAGMENT,
  IPV4_ID,
  IPV4_PROTOCOL,
  IPV4_SOURCE,
  IPV4_TOTAL_LENGTH,
  IPV4_TTL,
  ipv4ChecksumHolds,
} from "./ipv4.ts";
import {
  checkIpv6,
  ExtensionWalk,
  IPV6_DESTINATION,
  IPV6_HEADER,
  IPV6_HOP_LIMIT,
  IPV6_PAYLOAD_LENGTH,
  IPV6_SOURCE,
} from "./ipv6.ts";
import {
  GSO_ECN,
  GSO_NONE,
  VNET_DATA_VALID,
  VNET_GSO_SIZE,
  VNET_GSO_TYPE,
  VNET_HEADER,
  VNET_NEEDS_CHECKSUM,
} from "./vnet_header.ts";

export type DecodeResult = "ok" | "malformed" | "bad-checksum";

export class Packet {
  bytes: Uint8Array;
  /** Where the IP header begins. */
  at = 0;
  /** Where the IP packet ends (trailing bytes of the frame excluded). */
  end = 0;
  /** 4 or 16: also tells the family. */
  addressLength = 4;
  sourceAt = 0;
  destinationAt = 0;
  hopLimit = 0;
  protocol = 0;
  /** Where the upper protocol, or the piece of it, begins. */
  payloadAt = 0;
  /** True for a piece of a packet (an atomic fragment is whole). */
  isFragment = false;
  moreFragments = false;
  fragmentOffset = 0;
  fragmentId = 0;
  /** IPv6: the byte that announces the fragment header, and that header. */
  fragmentNextHeaderAt = 0;
  fragmentHeaderAt = -1;
  /** True when the kernel vouches for the transport checksum. */
  checksumTrusted = false;
  gsoType = GSO_NONE;
  gsoSize = 0;
  /**
   * A copy of the destination address, for datagrams only (`keepDestination`): their header is overwritten
   * in place by the one that replaces it, while further datagrams of the same packet still need it.
   */
  readonly destination = new Uint8Array(16);
  readonly #walk = new ExtensionWalk();

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }

  /** Decodes `[at, end)`, which begins with a virtio header when `vnet` is true. */
  decode(at: number, end: number, vnet: boolean): DecodeResult {
    const bytes = this.bytes;
    this.checksumTrusted = false;
    this.gsoType = GSO_NONE;
    this.gsoSize = 0;
    if (vnet) {
      if (end - at < VNET_HEADER) return "malformed";
      this.checksumTrusted = (bytes[at]! & (VNET_NEEDS_CHECKSUM | VNET_DATA_VALID)) !== 0;
      this.gsoType = bytes[at + VNET_GSO_TYPE]! & ~GSO_ECN;
      this.gsoSize = get16le(bytes, at + VNET_GSO_SIZE);
      at += VNET_HEADER;
    }
    if (at >= end) return "malformed";
    this.at = at;
    return bytes[at]! >> 4 === 4 ? this.#decode4(at, end) : this.#decode6(at, end);
  }

  keepDestination(): void {
    for (let i = 0; i < this.addressLength; i++) {
      this.destination[i] = this.bytes[this.destinationAt + i]!;
    }
  }

  /** True when the checksum of an upper protocol that sums a pseudo-header holds for `[at, end)`. */
  transportChecksumHolds(at: number, end: number): boolean {
    if (this.checksumTrusted) return true;
    const sum = pseudoHeader(
      this.bytes,
      this.sourceAt,
      this.destinationAt,
      this.addressLength,
      this.protocol,
      end - at,
    );
    return fold(addWords(this.bytes, at, end, sum)) === 0xffff;
  }

  #decode4(at: number, end: number): DecodeResult {
    const bytes = this.bytes;
    const headerLength = checkIpv4(bytes, at, end);
    if (headerLength < 0) return "malformed";
    if (!ipv4ChecksumHolds(bytes, at, headerLength)) return "bad-checksum";
    const fragment = get16(bytes, at + IPV4_FRAGMENT);
    this.addressLength = 4;
    this.sourceAt = at + IPV4_SOURCE;
    this.destinationAt = at + IPV4_DESTINATION;
    this.hopLimit = bytes[at + IPV4_TTL]!;
    this.protocol = bytes[at + IPV4_PROTOCOL]!;
    this.payloadAt = at + headerLength;
    this.end = at + get16(bytes, at + IPV4_TOTAL_LENGTH);
    this.isFragment = (fragment & 0x3fff) !== 0;
    this.moreFragments = (fragment & 0x2000) !== 0;
    this.fragmentOffset = (fragment & 0x1fff) * 8;
    this.fragmentId = get16(bytes, at + IPV4_ID);
    this.fragmentHeaderAt = -1;
    return "ok";
  }

  #decode6(at: number, end: number): DecodeResult {
    const bytes = this.bytes;
    if (!checkIpv6(bytes, at, end)) return "malformed";
    const walk = this.#walk;
    this.end = at + IPV6_HEADER + get16(bytes, at + IPV6_PAYLOAD_LENGTH);
    if (!walk.walk(bytes, at, this.end)) return "malformed";
    this.addressLength = 16;
    this.sourceAt = at + IPV6_SOURCE;
    this.destinationAt = at + IPV6_DESTINATION;
    this.hopLimit = bytes[at + IPV6_HOP_LIMIT]!;
    this.protocol = walk.protocol;
    this.payloadAt = walk.payloadAt;
    this.fragmentHeaderAt = walk.fragmentAt;
    this.fragmentNextHeaderAt = walk.nextHeaderAt;
    this.isFragment = false;
    if (walk.fragmentAt >= 0) this.#readFragmentHeader(walk.fragmentAt);
    return "ok";
  }

  #readFragmentHeader(at: number): void {
    const field = get16(this.bytes, at + 2);
    this.isFragment = (field & 0xfff9) !== 0;
    this.moreFragments = (field & 1) !== 0;
    this.fragmentOffset = field & 0xfff8;
    this.fragmentId = get32(this.bytes, at + 4);
  }
}
