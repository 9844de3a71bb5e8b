/**
 * Writes a connection's segments. Whole words go through the arena's `DataView`: one store instead of four.
 *
 * On a link with virtio headers the kernel completes the checksum and cuts the payload into segments, so
 * here only the pseudo-header is summed, and its addresses were summed once for all.
 */

import { set16, set32 } from "../../bytes.ts";
import { addWords, complement, fold } from "../../wire/checksum.ts";
import {
  IPV4_CHECKSUM,
  IPV4_DONT_FRAGMENT,
  IPV4_HEADER,
  IPV4_ID,
  IPV4_SOURCE,
  IPV4_TTL,
} from "../../wire/ipv4.ts";
import { IPV6_HEADER, IPV6_PAYLOAD_LENGTH, IPV6_SOURCE } from "../../wire/ipv6.ts";
import { TCP } from "../../wire/protocol.ts";
import {
  ACK,
  MOST_SACK_BLOCKS,
  RST,
  TCP_ACKNOWLEDGMENT,
  TCP_CHECKSUM,
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
import type { TcpConnection } from "./connection.ts";
import type { Endpoints } from "./endpoints.ts";
import type { ReorderQueue } from "./reorder_queue.ts";

const HOP_LIMIT = 64;
const IPV4_FIRST_WORD = 0x4500_0000;
const IPV6_FIRST_WORD = 0x6000_0000;
/** The sum of an IPv4 header of ours without its addresses and its length. */
const IPV4_SUM = (IPV4_FIRST_WORD >>> 16) + IPV4_DONT_FRAGMENT + (HOP_LIMIT << 8) + TCP;
/** Shared by all writers: filled right before it is copied into a header. */
const sackEdges = new Uint32Array(2 * MOST_SACK_BLOCKS);

export class SegmentWriter {
  /** Length of the IP header. */
  readonly ipHeader: number;
  readonly #output: PacketOutput;
  readonly #endpoints: Endpoints;
  /** Sum of both addresses. */
  readonly #sum: number;

  constructor(output: PacketOutput, endpoints: Endpoints) {
    this.#output = output;
    this.#endpoints = endpoints;
    this.ipHeader = endpoints.isIpv4 ? IPV4_HEADER : IPV6_HEADER;
    this.#sum = endpoints.sum();
  }

  /** Sends a segment of an open connection. */
  segment(
    c: TcpConnection,
    flags: number,
    sequence: number,
    payloadAt: number,
    payloadEnd: number,
  ): boolean {
    const ipAt = this.#output.headerAt() + VNET_HEADER;
    const tcpAt = ipAt + this.ipHeader;
    const bytes = this.#output.arena.bytes;
    let end = tcpAt + TCP_HEADER;
    if (c.timestamps) {
      writeTimestamps(bytes, end, timestampOf(c), c.tsRecent);
      end += TIMESTAMPS_LENGTH;
    }
    // Blocks go into pure acknowledgements only: beside a payload they would not fit the segment size.
    if (payloadAt === payloadEnd && c.sack && c.reorder?.isEmpty === false) {
      end = this.#sack(c, c.reorder, end);
    }
    const window = advertisedWindow(c) >>> c.rcvShift;
    this.#fixed(tcpAt, end, sequence, c.rcvNxt, flags, window);
    c.lastAckSent = c.rcvNxt;
    c.ackScheduled = false;
    c.ackAt = Infinity;
    return this.#finish(ipAt, tcpAt, end, payloadAt, payloadEnd, c.mss);
  }

  /** Sends SYN, or SYN and ACK, with the options offered or agreed on. */
  syn(c: TcpConnection, flags: number): void {
    const ipAt = this.#output.headerAt() + VNET_HEADER;
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
    const ipAt = this.#output.headerAt() + VNET_HEADER;
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

  #fixed(
    tcpAt: number,
    end: number,
    sequence: number,
    acknowledgment: number,
    flags: number,
    window: number,
  ): void {
    const { view } = this.#output.arena;
    view.setUint32(tcpAt + TCP_SEQUENCE, sequence);
    view.setUint32(tcpAt + TCP_ACKNOWLEDGMENT, acknowledgment);
    view.setUint16(tcpAt + TCP_OFFSET, ((end - tcpAt) / 4) << 12 | flags);
    view.setUint16(tcpAt + TCP_WINDOW, Math.min(window, 65_535));
    // The checksum follows; the urgent pointer behind it says nothing.
    view.setUint32(tcpAt + TCP_CHECKSUM, 0);
  }

  #sack(c: TcpConnection, reorder: ReorderQueue, end: number): number {
    const bytes = this.#output.arena.bytes;
    const blocks = reorder.sackBlocks(
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
    if (ipv4) this.#writeIpv4(output.arena.view, ipAt, IPV4_HEADER + tcpLength);
    else this.#writeIpv6(output.arena.view, ipAt, tcpLength);
    this.#endpoints.write(output.arena.view, ipAt + (ipv4 ? IPV4_SOURCE : IPV6_SOURCE));
    const pseudo = this.#sum + TCP + tcpLength;
    if (!output.vnet) {
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

  // The headers without their addresses. Those in `wire` are for every protocol, and would sum anew.

  #writeIpv4(view: DataView, at: number, total: number): void {
    view.setUint32(at, IPV4_FIRST_WORD | total);
    view.setUint32(at + IPV4_ID, IPV4_DONT_FRAGMENT);
    view.setUint16(at + IPV4_TTL, (HOP_LIMIT << 8) | TCP);
    view.setUint16(at + IPV4_CHECKSUM, complement(this.#sum + IPV4_SUM + total));
  }

  #writeIpv6(view: DataView, at: number, payload: number): void {
    view.setUint32(at, IPV6_FIRST_WORD);
    view.setUint32(at + IPV6_PAYLOAD_LENGTH, (payload << 16) | (TCP << 8) | HOP_LIMIT);
  }
}

/** The value of the timestamp clock: milliseconds from a secret start (RFC 7323, 5.4). */
export function timestampOf(c: TcpConnection): number {
  return (Math.floor(c.host.now) + c.tsOffset) >>> 0;
}
