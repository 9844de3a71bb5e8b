/**
 * All TCP connections of a stack: which segment belongs to which, new ones, and the bounds.
 *
 * At the bound on flows the one that has been idle longest goes, if it has been idle for a while at all;
 * else the newcomer is reset. At the bound on half-open ones the SYN is dropped, and comes again.
 */

import type { Packet } from "../../wire/packet.ts";
import { ACK, FIN, RST, SYN, TcpSegment } from "../../wire/tcp.ts";
import { FlowTable } from "../flow_table.ts";
import { RecencyList } from "../recency.ts";
import type { SipHash } from "../siphash.ts";
import { TimerHeap } from "../timer_heap.ts";
import { TcpConnection, type TcpEndpoints, type TcpHost } from "./connection.ts";
import { type Endpoints, endpointsIn, endpointsOf } from "./endpoints.ts";
import { adoptSyn, receiveSegment } from "./receive.ts";
import { SegmentWriter } from "./segment_writer.ts";
import { seqDiff, seqLt } from "./seq.ts";
import { sendAck, sendSyn } from "./send.ts";
import { armTimers, timerExpired } from "./timers.ts";

/** A flow that moved within this time is in use, and not given up for a newcomer. */
const IN_USE = 10_000;

/** RFC 6528: the clock of initial sequence numbers ticks every 4 microseconds. */
const ISN_TICKS_PER_MS = 250;

export interface TcpBounds {
  readonly flows: number;
  readonly halfOpen: number;
}

export class TcpConnections {
  readonly #host: TcpHost;
  readonly #bounds: TcpBounds;
  readonly #isnHash: SipHash;
  readonly #table: FlowTable<TcpConnection>;
  readonly #recency = new RecencyList<TcpConnection>();
  readonly #timers = new TimerHeap<TcpConnection>();
  readonly #segment = new TcpSegment();
  readonly #acks: (TcpConnection | undefined)[] = [];
  #ackCount = 0;
  #halfOpen = 0;
  readonly #opened: (connection: TcpConnection) => void;

  constructor(
    host: TcpHost,
    bounds: TcpBounds,
    hash: SipHash,
    isnHash: SipHash,
    opened: (connection: TcpConnection) => void,
  ) {
    this.#host = host;
    this.#bounds = bounds;
    this.#isnHash = isnHash;
    this.#table = new FlowTable(hash);
    this.#opened = opened;
  }

  get size(): number {
    return this.#table.size;
  }

  get halfOpen(): number {
    return this.#halfOpen;
  }

  /** A time before which no connection wants to be called. */
  get nextDeadline(): number {
    return this.#timers.next;
  }

  receive(packet: Packet): void {
    const segment = this.#segment;
    const counters = this.#host.counters;
    if (!segment.decode(packet.bytes, packet.payloadAt, packet.end)) {
      counters.dropMalformed++;
      return;
    }
    if (!packet.transportChecksumHolds(packet.payloadAt, packet.end)) {
      counters.dropChecksum++;
      return;
    }
    const connection = this.#find(packet, segment);
    if (connection === undefined) return this.#receiveWithoutFlow(packet, segment);
    if (this.#beginsAnew(connection, segment)) {
      connection.fail("reset");
      return this.#receiveWithoutFlow(packet, segment);
    }
    this.#recency.touch(connection);
    receiveSegment(connection, segment);
  }

  /** Opens a connection to a peer behind the link; undefined when there is one, or no room for it. */
  connect(endpoints: TcpEndpoints): TcpConnection | undefined {
    const own = endpointsOf(endpoints);
    this.#table.setWords(own.words);
    if (this.#table.find() !== undefined || !this.#makeRoom()) return undefined;
    const connection = this.#create(own, false);
    sendSyn(connection);
    armTimers(connection);
    return connection;
  }

  /** Sends the acknowledgements that this batch of packets has called for. */
  flush(): void {
    for (let i = 0; i < this.#ackCount; i++) {
      const connection = this.#acks[i]!;
      this.#acks[i] = undefined;
      if (!connection.ackScheduled) continue;
      connection.ackScheduled = false;
      if (connection.state !== "Closed") sendAck(connection);
    }
    // Not `length = 0`, which gives the array back: the next batch would allocate another one.
    this.#ackCount = 0;
  }

  scheduleAck(connection: TcpConnection): void {
    if (connection.ackScheduled) return;
    connection.ackScheduled = true;
    this.#acks[this.#ackCount++] = connection;
  }

  timerChanged(connection: TcpConnection): void {
    this.#timers.update(connection);
  }

  /** Calls every connection whose time has come. */
  advance(now: number): void {
    for (let due = this.#timers.takeDue(now); due !== undefined; due = this.#timers.takeDue(now)) {
      timerExpired(due);
    }
  }

  /** A connection has ended: forgets it. */
  remove(connection: TcpConnection): void {
    this.#table.setWords(connection.endpoints.words);
    if (!this.#table.delete()) return;
    this.#recency.remove(connection);
    this.#timers.remove(connection);
    connection.deadline = Infinity;
    if (connection.countedHalfOpen) this.established(connection);
  }

  /** The handshake of `connection` is over, one way or the other. */
  established(connection: TcpConnection): void {
    if (!connection.countedHalfOpen) return;
    connection.countedHalfOpen = false;
    this.#halfOpen--;
  }

  forEach(visit: (connection: TcpConnection) => void): void {
    const all: TcpConnection[] = [];
    this.#table.forEach((connection) => all.push(connection));
    all.forEach(visit);
  }

  #find(packet: Packet, segment: TcpSegment): TcpConnection | undefined {
    this.#table.setKey(
      packet.bytes,
      packet.destinationAt,
      packet.sourceAt,
      packet.addressLength,
      (segment.destinationPort << 16) | segment.sourcePort,
      0,
    );
    return this.#table.find();
  }

  /** A new SYN for old ports: the client has forgotten the connection, or it waits out its time. */
  #beginsAnew(connection: TcpConnection, segment: TcpSegment): boolean {
    if ((segment.flags & (SYN | ACK | RST)) !== SYN) return false;
    if (connection.state === "SynReceived" && !connection.answered) {
      return segment.sequence !== connection.irs;
    }
    if (connection.state !== "TimeWait") return false;
    // RFC 6191: a later timestamp, or else a later sequence number.
    const later = connection.timestamps && segment.hasTimestamps
      ? seqDiff(segment.timestamp, connection.tsRecent)
      : 0;
    return later > 0 || (later === 0 && seqLt(connection.rcvNxt, segment.sequence));
  }

  #receiveWithoutFlow(packet: Packet, segment: TcpSegment): void {
    if ((segment.flags & (SYN | ACK | RST | FIN)) !== SYN) {
      this.#host.counters.tcpNoFlow++;
      return this.#refuse(packet, segment);
    }
    if (this.#halfOpen >= this.#bounds.halfOpen) {
      this.#host.counters.tcpSynDropped++;
      return;
    }
    if (!this.#makeRoom()) return this.#refuse(packet, segment);
    const connection = this.#create(endpointsFor(packet, segment), true);
    this.#host.counters.tcpOpened++;
    adoptSyn(connection, segment);
    this.#opened(connection);
  }

  /** RFC 9293, 3.10.7.1: a segment for no connection is answered with a reset, unless it is one. */
  #refuse(packet: Packet, segment: TcpSegment): void {
    if (segment.flags & RST) return;
    const writer = new SegmentWriter(this.#host.output, endpointsFor(packet, segment));
    if (segment.flags & ACK) writer.reset(segment.acknowledgment, 0, false);
    else writer.reset(0, (segment.sequence + segment.length) >>> 0, true);
  }

  #makeRoom(): boolean {
    if (this.#table.size < this.#bounds.flows) return true;
    const oldest = this.#recency.oldest;
    if (oldest === undefined) return false;
    if (oldest.state !== "TimeWait" && this.#host.now - oldest.activeAt < IN_USE) return false;
    this.#host.counters.tcpEvicted++;
    oldest.resetPeer();
    oldest.fail("evicted");
    return true;
  }

  #create(endpoints: Endpoints, passive: boolean): TcpConnection {
    this.#table.setWords(endpoints.words);
    const key = this.#table.key;
    const iss = (this.#isnHash.words(key, 0, key.length) + this.#host.now * ISN_TICKS_PER_MS) >>> 0;
    key[9] = 1;
    const tsOffset = this.#isnHash.words(key, 0, key.length);
    key[9] = 0;
    const connection = new TcpConnection(this.#host, endpoints, iss, tsOffset, passive);
    this.#table.insert(connection);
    this.#recency.add(connection);
    connection.countedHalfOpen = true;
    this.#halfOpen++;
    return connection;
  }
}

/** Who the answer goes to, and from. */
function endpointsFor(packet: Packet, segment: TcpSegment): Endpoints {
  return endpointsIn(
    packet.bytes,
    packet.destinationAt,
    packet.sourceAt,
    packet.addressLength,
    segment.destinationPort,
    segment.sourcePort,
  );
}
