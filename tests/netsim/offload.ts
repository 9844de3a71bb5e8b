/**
 * What a kernel does with packets from a link with virtio headers when the next hop is a plain one:
 * completes partial checksums and cuts super-segments. It is strict where a kernel would be: a header
 * that does not describe the packet is an error of whoever wrote it.
 */

import { get16, get16le, get32, set16, set32 } from "../../src/bytes.ts";
import { addWords, complement, fold, pseudoHeader } from "../../src/wire/checksum.ts";
import {
  IPV4_CHECKSUM,
  IPV4_DESTINATION,
  IPV4_HEADER,
  IPV4_ID,
  IPV4_PROTOCOL,
  IPV4_SOURCE,
  IPV4_TOTAL_LENGTH,
} from "../../src/wire/ipv4.ts";
import {
  IPV6_DESTINATION,
  IPV6_HEADER,
  IPV6_NEXT_HEADER,
  IPV6_PAYLOAD_LENGTH,
  IPV6_SOURCE,
} from "../../src/wire/ipv6.ts";
import { TCP, UDP } from "../../src/wire/protocol.ts";
import { FIN, PSH, TCP_CHECKSUM, TCP_FLAGS, TCP_OFFSET, TCP_SEQUENCE } from "../../src/wire/tcp.ts";
import { UDP_CHECKSUM, UDP_HEADER, UDP_LENGTH } from "../../src/wire/udp.ts";
import {
  GSO_NONE,
  GSO_TCP4,
  GSO_TCP6,
  GSO_UDP_SEGMENTS,
  VNET_GSO_SIZE,
  VNET_GSO_TYPE,
  VNET_HEADER,
  VNET_NEEDS_CHECKSUM,
} from "../../src/wire/vnet_header.ts";

/** The same packet for a link with virtio headers: nothing said about its checksum. */
export function withVnetHeader(packet: Uint8Array): Uint8Array {
  const result = new Uint8Array(VNET_HEADER + packet.length);
  result.set(packet, VNET_HEADER);
  return result;
}

/** The plain packets that a packet with a virtio header stands for, each at most `mtu` long. */
export function toPlainPackets(packet: Uint8Array, mtu: number): Uint8Array[] {
  const ip = packet.slice(VNET_HEADER);
  const needsChecksum = (packet[0]! & VNET_NEEDS_CHECKSUM) !== 0;
  const checksumStart = get16le(packet, 6);
  const checksumOffset = get16le(packet, 8);
  const pieces = packet[VNET_GSO_TYPE] === GSO_NONE ? [ip] : cut(packet, ip);
  for (const piece of pieces) {
    if (needsChecksum) completeChecksum(piece, checksumStart, checksumOffset);
    if (piece.length > mtu) throw new Error(`a packet of ${piece.length} bytes on MTU ${mtu}`);
  }
  return pieces;
}

function isIpv4(ip: Uint8Array): boolean {
  return ip[0]! >> 4 === 4;
}

function pseudoSum(ip: Uint8Array, length: number): number {
  return isIpv4(ip)
    ? pseudoHeader(ip, IPV4_SOURCE, IPV4_DESTINATION, 4, ip[IPV4_PROTOCOL]!, length)
    : pseudoHeader(ip, IPV6_SOURCE, IPV6_DESTINATION, 16, ip[IPV6_NEXT_HEADER]!, length);
}

function completeChecksum(ip: Uint8Array, start: number, offset: number): void {
  const partial = get16(ip, start + offset);
  if (partial !== fold(pseudoSum(ip, ip.length - start))) {
    throw new Error("the partial checksum is not the sum of the pseudo-header");
  }
  set16(ip, start + offset, complement(addWords(ip, start, ip.length, 0)));
}

function cut(packet: Uint8Array, ip: Uint8Array): Uint8Array[] {
  const ipHeader = isIpv4(ip) ? IPV4_HEADER : IPV6_HEADER;
  const protocol = isIpv4(ip) ? ip[IPV4_PROTOCOL] : ip[IPV6_NEXT_HEADER];
  const udp = protocol === UDP;
  const headers = ipHeader + (udp ? UDP_HEADER : (ip[ipHeader + TCP_OFFSET]! >> 4) * 4);
  const size = get16le(packet, VNET_GSO_SIZE);
  if (packet[VNET_GSO_TYPE] !== gsoType(isIpv4(ip), protocol)) {
    throw new Error("the GSO type is wrong");
  }
  if (get16le(packet, 2) !== headers) throw new Error("the header length is wrong");
  if (size === 0) throw new Error("the segment size is zero");
  if (udp) checkUdpSegments(packet, ip.length - headers, size);
  const pieces: Uint8Array[] = [];
  for (let at = headers; at < ip.length; at += size) {
    const end = Math.min(at + size, ip.length);
    pieces.push(segmentOf(ip, ipHeader, headers, at, end, pieces.length));
  }
  return pieces;
}

function gsoType(ipv4: boolean, protocol: number | undefined): number {
  if (protocol === UDP) return GSO_UDP_SEGMENTS;
  if (protocol !== TCP) throw new Error("neither TCP nor UDP");
  return ipv4 ? GSO_TCP4 : GSO_TCP6;
}

/** What the kernel refuses (`virtio_net_hdr_to_skb`, `__udp_gso_segment`). */
function checkUdpSegments(packet: Uint8Array, length: number, size: number): void {
  if ((packet[0]! & VNET_NEEDS_CHECKSUM) === 0) throw new Error("UDP segments without a sum");
  if (length <= size || length > 64 * size) throw new Error("too few segments, or too many");
}

function segmentOf(
  ip: Uint8Array,
  ipHeader: number,
  headers: number,
  at: number,
  end: number,
  index: number,
): Uint8Array {
  const piece = new Uint8Array(headers + end - at);
  piece.set(ip.subarray(0, headers));
  piece.set(ip.subarray(at, end), headers);
  const udp = headers === ipHeader + UDP_HEADER;
  if (udp) set16(piece, ipHeader + UDP_LENGTH, piece.length - ipHeader);
  else {
    set32(piece, ipHeader + TCP_SEQUENCE, get32(ip, ipHeader + TCP_SEQUENCE) + at - headers);
    if (end < ip.length) piece[ipHeader + TCP_FLAGS]! &= ~(FIN | PSH);
  }
  if (ipHeader === IPV4_HEADER) {
    set16(piece, IPV4_TOTAL_LENGTH, piece.length);
    set16(piece, IPV4_ID, get16(ip, IPV4_ID) + index);
    set16(piece, IPV4_CHECKSUM, 0);
    set16(piece, IPV4_CHECKSUM, complement(addWords(piece, 0, IPV4_HEADER, 0)));
  } else set16(piece, IPV6_PAYLOAD_LENGTH, piece.length - IPV6_HEADER);
  const pseudo = fold(pseudoSum(piece, piece.length - ipHeader));
  set16(piece, ipHeader + (udp ? UDP_CHECKSUM : TCP_CHECKSUM), pseudo);
  return piece;
}
