/**
 * Writes IP packets that belong to no TCP connection: UDP datagrams and ICMP messages, cut into
 * fragments where the link's MTU asks for it.
 */

import { set16, set32 } from "../bytes.ts";
import { addWords, complement, fold } from "../wire/checksum.ts";
import {
  IPV4_DESTINATION,
  IPV4_HEADER,
  IPV4_MORE_FRAGMENTS,
  IPV4_SOURCE,
  writeIpv4,
} from "../wire/ipv4.ts";
import {
  FRAGMENT,
  IPV6_DESTINATION,
  IPV6_FRAGMENT_HEADER,
  IPV6_HEADER,
  IPV6_SOURCE,
  writeIpv6,
} from "../wire/ipv6.ts";
import { ICMP } from "../wire/protocol.ts";
import {
  GSO_NONE,
  GSO_UDP_SEGMENTS,
  VNET_HEADER,
  writePlainVnetHeader,
  writeVnetHeader,
} from "../wire/vnet_header.ts";
import type { PacketOutput } from "../packet_output.ts";

const HOP_LIMIT = 64;

export class IpWriter {
  readonly #output: PacketOutput;
  #fragmentId: number;
  /** What the upper header is written into before it is known how many packets there will be. */
  readonly upper = new Uint8Array(64);
  readonly source = new Uint8Array(16);
  readonly destination = new Uint8Array(16);
  addressLength = 4;

  constructor(output: PacketOutput, firstFragmentId: number) {
    this.#output = output;
    this.#fragmentId = firstFragmentId;
  }

  /** Sets both addresses from bytes anywhere. */
  setAddresses(
    from: Uint8Array,
    fromAt: number,
    to: Uint8Array,
    toAt: number,
    addressLength: number,
  ): void {
    this.addressLength = addressLength;
    for (let i = 0; i < addressLength; i++) {
      this.source[i] = from[fromAt + i]!;
      this.destination[i] = to[toAt + i]!;
    }
  }

  /**
   * Sends `upper[0, upperLength)` and `[payloadAt, payloadEnd)` as one packet of `protocol`, its checksum
   * at `checksumAt` in the upper header. With a `segment` they are datagrams of that many bytes, cut where
   * the packet is going. False when the link took less than all of it.
   */
  send(
    protocol: number,
    upperLength: number,
    checksumAt: number,
    payloadAt: number,
    payloadEnd: number,
    segment = 0,
  ): boolean {
    const length = upperLength + payloadEnd - payloadAt;
    const ipHeader = this.addressLength === 4 ? IPV4_HEADER : IPV6_HEADER;
    if (length > 65_535 - (ipHeader === IPV4_HEADER ? ipHeader : 0)) return false;
    const whole = segment > 0 || ipHeader + length <= this.#output.mtu;
    const pseudo = protocol === ICMP ? 0 : this.#pseudoSum(protocol, length);
    const upper = this.upper;
    set16(upper, checksumAt, 0);
    // Only a whole packet can leave its checksum to the kernel, and ICMP over IPv4 sums no pseudo-header.
    const byKernel = whole && this.#output.vnet && protocol !== ICMP;
    if (byKernel) set16(upper, checksumAt, fold(pseudo));
    else this.#sum(upper, upperLength, checksumAt, payloadAt, payloadEnd, pseudo);
    return whole
      ? this.#sendWhole(protocol, upperLength, checksumAt, payloadAt, payloadEnd, byKernel, segment)
      : this.#sendFragments(protocol, upperLength, payloadAt, payloadEnd);
  }

  #pseudoSum(protocol: number, length: number): number {
    const source = addWords(this.source, 0, this.addressLength, 0);
    return addWords(this.destination, 0, this.addressLength, source) + protocol +
      (length >>> 16) + (length & 0xffff);
  }

  #sum(
    upper: Uint8Array,
    upperLength: number,
    checksumAt: number,
    payloadAt: number,
    payloadEnd: number,
    pseudo: number,
  ): void {
    const header = addWords(upper, 0, upperLength, pseudo);
    const sum = complement(addWords(this.#output.arena.bytes, payloadAt, payloadEnd, header));
    // UDP's zero means "not summed" (RFC 768); for the others both forms of zero are the same.
    set16(upper, checksumAt, sum === 0 ? 0xffff : sum);
  }

  #sendWhole(
    protocol: number,
    upperLength: number,
    checksumAt: number,
    payloadAt: number,
    payloadEnd: number,
    byKernel: boolean,
    segment: number,
  ): boolean {
    const output = this.#output;
    const bytes = output.arena.bytes;
    const at = output.headerAt();
    const ipAt = at + VNET_HEADER;
    const upperAt = this.#ipHeader(ipAt, protocol, upperLength + payloadEnd - payloadAt, 0, 0);
    for (let i = 0; i < upperLength; i++) bytes[upperAt + i] = this.upper[i]!;
    const end = upperAt + upperLength;
    const gso = segment > 0 ? GSO_UDP_SEGMENTS : GSO_NONE;
    if (byKernel) writeVnetHeader(bytes, at, gso, segment, end - ipAt, upperAt - ipAt, checksumAt);
    else writePlainVnetHeader(bytes, at);
    return output.send(output.vnet ? at : ipAt, end, payloadAt, payloadEnd);
  }

  #sendFragments(
    protocol: number,
    upperLength: number,
    payloadAt: number,
    payloadEnd: number,
  ): boolean {
    const output = this.#output;
    const bytes = output.arena.bytes;
    const ipv4 = this.addressLength === 4;
    const overhead = ipv4 ? IPV4_HEADER : IPV6_HEADER + IPV6_FRAGMENT_HEADER;
    const most = (output.mtu - overhead) & ~7;
    const length = upperLength + payloadEnd - payloadAt;
    this.#fragmentId = (this.#fragmentId + 1) >>> 0;
    for (let offset = 0; offset < length; offset += most) {
      const piece = Math.min(most, length - offset);
      const at = output.headerAt();
      const ipAt = at + VNET_HEADER;
      const more = offset + piece < length;
      let end = ipv4
        ? this.#ipHeader(
          ipAt,
          protocol,
          piece,
          this.#fragmentId & 0xffff,
          (offset / 8) | (more ? IPV4_MORE_FRAGMENTS : 0),
        )
        : this.#fragmentHeader(ipAt, protocol, piece, offset | (more ? 1 : 0));
      const fromUpper = offset === 0 ? upperLength : 0;
      if (fromUpper > 0) {
        bytes.set(this.upper.subarray(0, upperLength), end);
        end += upperLength;
      }
      const pieceAt = payloadAt + offset - (upperLength - fromUpper);
      writePlainVnetHeader(bytes, at);
      const sent = output.send(output.vnet ? at : ipAt, end, pieceAt, pieceAt + piece - fromUpper);
      if (!sent) return false;
    }
    return true;
  }

  #ipHeader(at: number, protocol: number, length: number, id: number, fragment: number): number {
    const bytes = this.#output.arena.bytes;
    if (this.addressLength === 4) {
      for (let i = 0; i < 4; i++) {
        bytes[at + IPV4_SOURCE + i] = this.source[i]!;
        bytes[at + IPV4_DESTINATION + i] = this.destination[i]!;
      }
      writeIpv4(bytes, at, protocol, IPV4_HEADER + length, id, fragment, HOP_LIMIT);
      return at + IPV4_HEADER;
    }
    writeIpv6(bytes, at, protocol, length, HOP_LIMIT);
    for (let i = 0; i < 16; i++) {
      bytes[at + IPV6_SOURCE + i] = this.source[i]!;
      bytes[at + IPV6_DESTINATION + i] = this.destination[i]!;
    }
    return at + IPV6_HEADER;
  }

  #fragmentHeader(at: number, protocol: number, length: number, field: number): number {
    const bytes = this.#output.arena.bytes;
    const end = this.#ipHeader(at, FRAGMENT, length + IPV6_FRAGMENT_HEADER, 0, 0);
    bytes[end] = protocol;
    bytes[end + 1] = 0;
    set16(bytes, end + 2, field);
    set32(bytes, end + 4, this.#fragmentId);
    return end + IPV6_FRAGMENT_HEADER;
  }
}
