/**
 * Writes a connection's segments: the constant part of the headers comes from a template, made once.
 *
 * On a link with virtio headers the kernel completes the checksum and cuts the payload into segments, so
 * here only the pseudo-header is summed, and most of that was summed when the template was made.
 */

import { set16, set32 } from "../../bytes.ts";
import { addWords, complement, fold, pseudoHeader } from "../../wire/checksum.ts";
import {
  IPV4_CHECKSUM,
  IPV4_DESTINATION,
  IPV4_DONT_FRAGMENT,
  IPV4_HEADER,
  IPV4_SOURCE,
  IPV4_TOTAL_LENGTH,
  writeIpv4,
} from "../../wire/ipv4.ts";
import {
  IPV6_DESTINATION,
  IPV6_HEADER,
  IPV6_PAYLOAD_LENGTH,
  IPV6_SOURCE,
  writeIpv6,
} from "../../wire/ipv6.ts";
import { TCP } from "../../wire/protocol.ts";
import {
  ACK,
  MOST_SACK_BLOCKS,
  RST,
  TCP_ACKNOWLEDGMENT,
  TCP_CHECKSUM,
  TCP_FLAGS,
  TCP_HEADER,
  TCP_OFFSET,
  TCP_SEQUENCE,
  TCP_WINDOW,
  TIMESTAMPS_LENGTH,
  writeSackHeader,
  writeSynOptions,
  writeTimestamps,
} from "../../wire/tcp.ts";
import {
  GSO_NONE,
  GSO_TCP4,
  GSO_TCP6,
  VNET_HEADER,
  writeVnetHeader,
} from "../../wire/vnet_header.ts";
import type { PacketOutput } from "../../packet_output.ts";
import { advertisedWindow } from "./receive_window.ts";
import type { TcpConnection, TcpEndpoints } from "./connection.ts";

const HOP_LIMIT = 64;
/** Shared by all writers: filled right before it is copied into a header. */
const sackEdges = new Uint32Array(2 * MOST_SACK_BLOCKS);

export class SegmentWriter {
  /** Length of the IP header. */
  readonly ipHeader: number;
  readonly #output: PacketOutput;
  readonly #template: Uint8Array;
  /** Sum of addresses and protocol. */
  readonly #pseudoSum: number;
  /** Sum of the IPv4 header without its length. */
  readonly #headerSum: number;

  constructor(output: PacketOutput, endpoints: TcpEndpoints) {
    const ipv4 = endpoints.localAddress.length === 4;
    this.#output = output;
    this.ipHeader = ipv4 ? IPV4_HEADER : IPV6_HEADER;
    const template = new Uint8Array(this.ipHeader + TCP_HEADER);
    this.#template = template;
    if (ipv4) writeIpv4(template, 0, TCP, 0, 0, IPV4_DONT_FRAGMENT, HOP_LIMIT);
    else writeIpv6(template, 0, TCP, 0, HOP_LIMIT);
    const sourceAt = ipv4 ? IPV4_SOURCE : IPV6_SOURCE;
    const destinationAt = ipv4 ? IPV4_DESTINATION : IPV6_DESTINATION;
    template.set(endpoints.localAddress, sourceAt);
    template.set(endpoints.remoteAddress, destinationAt);
    set16(template, this.ipHeader, endpoints.localPort);
    set16(template, this.ipHeader + 2, endpoints.remotePort);
    this.#pseudoSum = pseudoHeader(
      template,
      sourceAt,
      destinationAt,
      endpoints.localAddress.length,
      TCP,
      0,
    );
    if (ipv4) set16(template, IPV4_CHECKSUM, 0);
    this.#headerSum = ipv4 ? addWords(template, 0, IPV4_HEADER, 0) : 0;
  }

  /** Sends a segment of an open connection. */
  segment(
    c: TcpConnection,
    flags: number,
    sequence: number,
    payloadAt: number,
    payloadEnd: number,
  ): boolean {
    const ipAt = this.#begin();
    const tcpAt = ipAt + this.ipHeader;
    const bytes = this.#output.arena.bytes;
    let end = tcpAt + TCP_HEADER;
    if (c.timestamps) {
      writeTimestamps(bytes, end, timestampOf(c), c.tsRecent);
      end += TIMESTAMPS_LENGTH;
    }
    // Blocks go into pure acknowledgements only: beside a payload they would not fit the segment size.
    if (payloadAt === payloadEnd && c.sack && !c.reorder.isEmpty) end = this.#sack(c, end);
    const window = advertisedWindow(c) >>> c.rcvShift;
    this.#fixed(tcpAt, end, sequence, c.rcvNxt, flags, window);
    c.lastAckSent = c.rcvNxt;
    c.ackScheduled = false;
    return this.#finish(ipAt, tcpAt, end, payloadAt, payloadEnd, c.mss);
  }

  /** Sends SYN, or SYN and ACK, with the options offered or agreed on. */
  syn(c: TcpConnection, flags: number): void {
    const ipAt = this.#begin();
    const tcpAt = ipAt + this.ipHeader;
    const bytes = this.#output.arena.bytes;
    const end = writeSynOptions(
      bytes,
      tcpAt + TCP_HEADER,
      c.announcedMss,
      c.scaling ? c.rcvShift : -1,
      c.sack,
      c.timestamps,
      timestampOf(c),
      c.tsRecent,
    );
    const acknowledgment = flags & ACK ? c.rcvNxt : 0;
    // The window of a SYN is never scaled (RFC 7323, 2.2).
    this.#fixed(tcpAt, end, c.iss, acknowledgment, flags, Math.min(advertisedWindow(c), 65_535));
    c.lastAckSent = c.rcvNxt;
    this.#finish(ipAt, tcpAt, end, 0, 0, 0);
  }

  /** Sends a reset; with an acknowledgment when `acknowledge` is true. */
  reset(sequence: number, acknowledgment: number, acknowledge: boolean): void {
    const ipAt = this.#begin();
    const tcpAt = ipAt + this.ipHeader;
    const end = tcpAt + TCP_HEADER;
    this.#fixed(
      tcpAt,
      end,
      sequence,
      acknowledge ? acknowledgment : 0,
      acknowledge ? RST | ACK : RST,
      0,
    );
    this.#finish(ipAt, tcpAt, end, 0, 0, 0);
  }

  /** Lays down the constant part; returns where the IP header begins. */
  #begin(): number {
    const ipAt = this.#output.headerAt() + VNET_HEADER;
    this.#output.arena.bytes.set(this.#template, ipAt);
    return ipAt;
  }

  #fixed(
    tcpAt: number,
    end: number,
    sequence: number,
    acknowledgment: number,
    flags: number,
    window: number,
  ): void {
    const bytes = this.#output.arena.bytes;
    set32(bytes, tcpAt + TCP_SEQUENCE, sequence);
    set32(bytes, tcpAt + TCP_ACKNOWLEDGMENT, acknowledgment);
    bytes[tcpAt + TCP_OFFSET] = ((end - tcpAt) / 4) << 4;
    bytes[tcpAt + TCP_FLAGS] = flags;
    set16(bytes, tcpAt + TCP_WINDOW, Math.min(window, 65_535));
  }

  #sack(c: TcpConnection, end: number): number {
    const bytes = this.#output.arena.bytes;
    const blocks = c.reorder.sackBlocks(
      sackEdges,
      c.timestamps ? MOST_SACK_BLOCKS - 1 : MOST_SACK_BLOCKS,
    );
    let at = writeSackHeader(bytes, end, blocks);
    for (let i = 0; i < 2 * blocks; i++, at += 4) set32(bytes, at, sackEdges[i]!);
    return at;
  }

  /** Lengths, checksums and the virtio header; then out. */
  #finish(
    ipAt: number,
    tcpAt: number,
    end: number,
    payloadAt: number,
    payloadEnd: number,
    mss: number,
  ): boolean {
    const output = this.#output;
    const bytes = output.arena.bytes;
    const payload = payloadEnd - payloadAt;
    const tcpLength = end - tcpAt + payload;
    const ipv4 = this.ipHeader === IPV4_HEADER;
    if (ipv4) {
      const total = IPV4_HEADER + tcpLength;
      set16(bytes, ipAt + IPV4_TOTAL_LENGTH, total);
      set16(bytes, ipAt + IPV4_CHECKSUM, complement(this.#headerSum + total));
    } else set16(bytes, ipAt + IPV6_PAYLOAD_LENGTH, tcpLength);
    const pseudo = this.#pseudoSum + tcpLength;
    if (!output.vnet) {
      set16(bytes, tcpAt + TCP_CHECKSUM, 0);
      const sum = addWords(bytes, payloadAt, payloadEnd, addWords(bytes, tcpAt, end, pseudo));
      set16(bytes, tcpAt + TCP_CHECKSUM, complement(sum));
      return output.send(ipAt, end, payloadAt, payloadEnd);
    }
    set16(bytes, tcpAt + TCP_CHECKSUM, fold(pseudo));
    const large = payload > mss && mss > 0;
    const gso = large ? (ipv4 ? GSO_TCP4 : GSO_TCP6) : GSO_NONE;
    const headers = end - ipAt;
    writeVnetHeader(
      bytes,
      ipAt - VNET_HEADER,
      gso,
      large ? mss : 0,
      headers,
      tcpAt - ipAt,
      TCP_CHECKSUM,
    );
    return output.send(ipAt - VNET_HEADER, end, payloadAt, payloadEnd);
  }
}

/** The value of the timestamp clock: milliseconds from a secret start (RFC 7323, 5.4). */
export function timestampOf(c: TcpConnection): number {
  return (Math.floor(c.host.now) + c.tsOffset) >>> 0;
}
