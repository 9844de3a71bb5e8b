/**
 * Packets become flows. One packet goes through `receive` in this order:
 *
 * 1. decoded, its lengths and header checksum verified        (wire/packet.ts)
 * 2. dropped when it is for nobody, or has no hops left
 * 3. fragments wait for the rest                               (reassembly.ts)
 * 4. TCP to its connection, UDP to the handler, ICMP answered
 *
 * The stack has no I/O: packets leave through `PacketOutput`, flows through `StackHandler`, and time
 * comes in as `now` (milliseconds, any origin) with every call.
 */

import { LARGE_SLOT } from "../arena.ts";
import { get16, set16, set32 } from "../bytes.ts";
import { Counters } from "../counters.ts";
import type { IcmpError } from "../wire/icmp.ts";
import { IPV4_DESTINATION, IPV4_HEADER, IPV4_SOURCE, writeIpv4 } from "../wire/ipv4.ts";
import {
  IPV6_DESTINATION,
  IPV6_HEADER,
  IPV6_SOURCE,
  NO_NEXT_HEADER,
  writeIpv6,
} from "../wire/ipv6.ts";
import { Packet } from "../wire/packet.ts";
import { ICMP, ICMPV6, TCP, UDP } from "../wire/protocol.ts";
import {
  UDP_CHECKSUM,
  UDP_DESTINATION_PORT,
  UDP_HEADER,
  UDP_SOURCE_PORT,
  udpEnd,
  writeUdp,
} from "../wire/udp.ts";
import { GSO_UDP_SEGMENTS } from "../wire/vnet_header.ts";
import { Icmp, type RouterAddresses } from "./icmp.ts";
import { IpWriter } from "./ip_writer.ts";
import type { PacketOutput } from "../packet_output.ts";
import { Reassembly, type ReassemblyBounds } from "./reassembly.ts";
import { SipHash } from "./siphash.ts";
import type { TcpConnection, TcpEndpoints, TcpHost, TcpOptions } from "./tcp/connection.ts";
import { type TcpBounds, TcpConnections } from "./tcp/connections.ts";

export interface StackHandler {
  /** A SYN has arrived: set the owner, and accept or refuse, now or later. */
  tcpOpened(connection: TcpConnection): void;
  /**
   * A datagram from the local host to `packet.destination`, payload in `[at, end)`. The slot is valid
   * during the call, and what stands before the payload may be overwritten. `stack.refuse` may be called
   * as long as it was not.
   */
  udpReceived(
    packet: Packet,
    sourcePort: number,
    destinationPort: number,
    at: number,
    end: number,
  ): void;
}

export interface StackOptions {
  readonly tcp: TcpOptions;
  readonly tcpBounds: TcpBounds;
  readonly reassembly: ReassemblyBounds;
  readonly router: RouterAddresses;
  readonly answerEcho: boolean;
  /** Fills an array with secret random bytes. */
  readonly random: (bytes: Uint8Array) => void;
}

export class Stack implements TcpHost {
  readonly output: PacketOutput;
  readonly counters: Counters;
  readonly tcp: TcpOptions;
  now = 0;
  readonly connections: TcpConnections;
  readonly reassembly: Reassembly;
  readonly #handler: StackHandler;
  readonly #packet: Packet;
  readonly #writer: IpWriter;
  readonly #icmp: Icmp;

  constructor(
    output: PacketOutput,
    handler: StackHandler,
    options: StackOptions,
    counters = new Counters(),
  ) {
    this.output = output;
    this.counters = counters;
    this.tcp = options.tcp;
    this.#handler = handler;
    const secret = new Uint8Array(20);
    options.random(secret);
    const hash = new SipHash(secret.subarray(0, 8));
    this.#packet = new Packet(output.arena.bytes);
    this.#writer = new IpWriter(output, get16(secret, 16) * 0x1_0000 + get16(secret, 18));
    this.#icmp = new Icmp(this.#writer, counters, options.router, options.answerEcho);
    this.reassembly = new Reassembly(
      output.arena,
      counters,
      options.reassembly,
      hash,
      (at, end) => this.#reassemblyExpired(at, end),
    );
    this.connections = new TcpConnections(
      this,
      options.tcpBounds,
      hash,
      new SipHash(secret.subarray(8, 16)),
      (connection) => this.#handler.tcpOpened(connection),
    );
  }

  /** What one flow may hold: the whole when there is plenty, less as packet memory fills up. */
  get receiveLimit(): number {
    const { freeLarge, largeCount } = this.output.arena;
    if (freeLarge * 2 >= largeCount) return this.tcp.flowBytes;
    const share = freeLarge * 8 >= largeCount ? 4 * LARGE_SLOT : LARGE_SLOT;
    return Math.min(this.tcp.flowBytes, share);
  }

  /** A time before which `advance` has nothing to do. */
  get nextDeadline(): number {
    return Math.min(this.connections.nextDeadline, this.reassembly.nextDeadline);
  }

  /** Takes the packet in `[at, end)` of the arena. Who calls holds the slot during the call. */
  receive(at: number, end: number, now: number): void {
    this.now = now;
    this.counters.packetsReceived++;
    this.counters.bytesReceived += end - at;
    const result = this.#packet.decode(at, end, this.output.vnet);
    if (result === "ok") this.#dispatch(this.#packet);
    else if (result === "malformed") this.counters.dropMalformed++;
    else this.counters.dropChecksum++;
  }

  /** After a batch of packets: sends the acknowledgements that it called for. */
  flush(now: number): void {
    this.now = now;
    this.connections.flush();
  }

  /** Runs what is due. */
  advance(now: number): void {
    this.now = now;
    this.connections.advance(now);
    this.reassembly.advance(now);
  }

  /** Opens a TCP connection to a peer behind the link. */
  connect(endpoints: TcpEndpoints, now: number): TcpConnection | undefined {
    this.now = now;
    return this.connections.connect(endpoints);
  }

  /**
   * Sends a datagram to the local host, as if it came from `from`; or several, when the payload is to be
   * cut into datagrams of `segment` bytes, which the link must be able to. False when the link did not take
   * them.
   */
  sendUdp(
    from: Uint8Array,
    fromAt: number,
    fromPort: number,
    to: Uint8Array,
    toAt: number,
    toPort: number,
    addressLength: number,
    payloadAt: number,
    payloadEnd: number,
    segment = 0,
  ): boolean {
    const writer = this.#writer;
    const length = payloadEnd - payloadAt;
    writer.setAddresses(from, fromAt, to, toAt, addressLength);
    writeUdp(writer.upper, 0, fromPort, toPort, UDP_HEADER + length);
    this.counters.udpSent += segment === 0 ? 1 : Math.ceil(length / segment);
    return writer.send(UDP, UDP_HEADER, UDP_CHECKSUM, payloadAt, payloadEnd, segment);
  }

  /** Answers the packet that is being handled with an ICMP error. */
  refuse(packet: Packet, error: IcmpError, mtu = 0): void {
    this.#icmp.refuse(packet, error, this.now, mtu);
  }

  /** Tells the sender of datagrams from `source` to `destination` that something is wrong with them. */
  refuseDatagram(
    source: Uint8Array,
    sourcePort: number,
    destination: Uint8Array,
    destinationPort: number,
    error: IcmpError,
    mtu = 0,
  ): void {
    this.#quote(source, destination, UDP, error, mtu, (bytes, at) => {
      writeUdp(bytes, at, sourcePort, destinationPort, UDP_HEADER);
    });
  }

  // The connections' view of the stack.

  scheduleAck(connection: TcpConnection): void {
    this.connections.scheduleAck(connection);
  }

  timerChanged(connection: TcpConnection): void {
    this.connections.timerChanged(connection);
  }

  established(connection: TcpConnection): void {
    this.connections.established(connection);
  }

  remove(connection: TcpConnection): void {
    this.connections.remove(connection);
  }

  refuseWithIcmp(connection: TcpConnection, error: IcmpError): void {
    const { localAddress, localPort, remoteAddress, remotePort } = connection.endpoints;
    this.#quote(remoteAddress, localAddress, TCP, error, 0, (bytes, at) => {
      set16(bytes, at, remotePort);
      set16(bytes, at + 2, localPort);
      set32(bytes, at + 4, connection.irs);
    });
  }

  #dispatch(packet: Packet): void {
    const { bytes, addressLength, hopLimit } = packet;
    if (!isUnicast(bytes, packet.sourceAt, addressLength)) {
      this.counters.dropAddress++;
      return;
    }
    if (hopLimit <= 1) {
      this.counters.dropHopLimit++;
      return this.refuse(packet, "hop-limit");
    }
    if (packet.isFragment) return this.#receiveFragment(packet);
    if (packet.protocol === TCP) {
      if (isUnicast(bytes, packet.destinationAt, addressLength)) this.connections.receive(packet);
      else this.counters.dropAddress++;
    } else if (packet.protocol === UDP) this.#receiveUdp(packet);
    else this.#receiveOther(packet);
  }

  #receiveOther(packet: Packet): void {
    const icmp = packet.protocol === (packet.addressLength === 4 ? ICMP : ICMPV6);
    if (icmp) return this.#icmp.receive(packet, this.now);
    this.counters.dropProtocol++;
    if (packet.protocol !== NO_NEXT_HEADER) this.refuse(packet, "prohibited");
  }

  #receiveFragment(packet: Packet): void {
    this.counters.fragmentsReceived++;
    if (!this.reassembly.add(packet, this.now)) return;
    const { doneAt, doneEnd } = this.reassembly;
    // The pieces crossed no wire that anybody vouched for: checksums are verified.
    if (packet.decode(doneAt, doneEnd, false) === "ok" && !packet.isFragment) {
      this.#dispatch(packet);
    } else this.counters.dropMalformed++;
    this.output.arena.release(doneAt);
  }

  #receiveUdp(packet: Packet): void {
    const { bytes, payloadAt } = packet;
    const end = udpEnd(bytes, payloadAt, packet.end);
    if (end < 0) {
      this.counters.dropMalformed++;
      return;
    }
    const summed = get16(bytes, payloadAt + UDP_CHECKSUM) !== 0;
    const holds = summed
      ? packet.transportChecksumHolds(payloadAt, end)
      : packet.addressLength === 4;
    if (!holds) {
      this.counters.dropChecksum++;
      return;
    }
    const from = get16(bytes, payloadAt + UDP_SOURCE_PORT);
    const to = get16(bytes, payloadAt + UDP_DESTINATION_PORT);
    const segment = packet.gsoType === GSO_UDP_SEGMENTS && packet.gsoSize > 0
      ? packet.gsoSize
      : 65_535;
    packet.keepDestination();
    let at = payloadAt + UDP_HEADER;
    do {
      const next = Math.min(at + segment, end);
      this.counters.udpReceived++;
      this.#handler.udpReceived(packet, from, to, at, next);
      at = next;
    } while (at < end);
  }

  #reassemblyExpired(at: number, end: number): void {
    const packet = this.#packet;
    // The header says the length of a piece; the quote is what has come of it.
    if (packet.decode(at, end, false) === "ok") this.refuse(packet, "reassembly-time");
  }

  /** Reports an error about a packet that is gone, by writing its header anew into a small slot. */
  #quote(
    source: Uint8Array,
    destination: Uint8Array,
    protocol: number,
    error: IcmpError,
    mtu: number,
    writeUpper: (bytes: Uint8Array, at: number) => void,
  ): void {
    const { arena } = this.output;
    const slot = arena.takeSmall();
    if (slot < 0) {
      this.counters.dropNoMemory++;
      return;
    }
    const bytes = arena.bytes;
    const ipv4 = source.length === 4;
    const header = ipv4 ? IPV4_HEADER : IPV6_HEADER;
    bytes.set(source, slot + (ipv4 ? IPV4_SOURCE : IPV6_SOURCE));
    bytes.set(destination, slot + (ipv4 ? IPV4_DESTINATION : IPV6_DESTINATION));
    if (ipv4) writeIpv4(bytes, slot, protocol, header + 20, 0, 0, 64);
    else writeIpv6(bytes, slot, protocol, 20, 64);
    bytes.fill(0, slot + header, slot + header + 20);
    writeUpper(bytes, slot + header);
    this.#icmp.report(error, source, destination, slot, slot + header + 20, mtu, this.now);
    arena.release(slot);
  }
}

/** Neither unspecified, multicast nor broadcast: an address that somebody can have. */
function isUnicast(bytes: Uint8Array, at: number, addressLength: number): boolean {
  const first = bytes[at]!;
  if (addressLength === 4) return first < 224 && first !== 0;
  if (first === 0xff) return false;
  for (let i = 0; i < 16; i++) if (bytes[at + i] !== 0) return true;
  return false;
}
