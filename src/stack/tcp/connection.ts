/**
 * One TCP connection: its variables, and what its owner may ask of it.
 *
 * What arrives is in `receive.ts`, what leaves in `send.ts`, what happens with time in `timers.ts`; all
 * three are functions over this class, so that the state is declared in one place and nowhere hidden.
 *
 *     passive:  SynReceived (unanswered) ─accept→ SynReceived ─ACK→ Established
 *     active:   SynSent ─SYN,ACK→ Established
 *     closing:  Established ─finish→ FinWait1 ─ACK→ FinWait2 ─FIN→ TimeWait → Closed
 *               Established ─FIN→ CloseWait ─finish→ LastAck ─ACK→ Closed
 *               FinWait1 ─FIN→ Closing ─ACK→ TimeWait
 *
 * A passive connection is not answered until its owner accepts it: the far end decides whether the SYN
 * is answered, refused, or reported unreachable.
 */

import type { Counters } from "../../counters.ts";
import type { IcmpError } from "../../wire/icmp.ts";
import type { PacketOutput } from "../../packet_output.ts";
import type { RecencyNode } from "../recency.ts";
import type { Timed } from "../timer_heap.ts";
import { type Congestion, type CongestionKind, makeCongestion } from "./congestion.ts";
import type { Endpoints } from "./endpoints.ts";
import type { ReorderQueue } from "./reorder_queue.ts";
import { receiveLimit } from "./receive_window.ts";
import { RttEstimator } from "./rtt.ts";
import { NOTHING_REPORTED } from "./scoreboard.ts";
import { SegmentWriter } from "./segment_writer.ts";
import { SendQueue } from "./send_queue.ts";
import { sendSyn, transmit } from "./send.ts";
import { seqDiff } from "./seq.ts";
import { armTimers } from "./timers.ts";

export type TcpState =
  | "SynSent"
  | "SynReceived"
  | "Established"
  | "FinWait1"
  | "FinWait2"
  | "CloseWait"
  | "Closing"
  | "LastAck"
  | "TimeWait"
  | "Closed";

/** Why a connection ended other than in order. */
export type TcpFailure = "reset" | "refused" | "timed-out" | "idle" | "evicted" | IcmpError;

/** Whoever a connection belongs to; called while a packet is processed, must not block or throw. */
export interface TcpOwner {
  /** The handshake is finished. */
  connected(connection: TcpConnection): void;
  /**
   * Bytes in order, in the arena. To keep them past this call, retain the slot; call `consumed` when
   * they have gone on, which is what opens the window again. Returns how many it took, from the first
   * on; the rest was never received, when there is no memory to keep it.
   */
  received(connection: TcpConnection, at: number, end: number): number;
  /** The peer has sent everything. */
  finished(connection: TcpConnection): void;
  /** Something was acknowledged, or the window opened: there may be room to send. */
  writable(connection: TcpConnection): void;
  /** Both sides have finished, or it was aborted by its owner: nothing more will be called. */
  closed(connection: TcpConnection): void;
  /** The connection is gone, not in order; nothing more will be called. */
  failed(connection: TcpConnection, failure: TcpFailure): void;
}

export interface TcpOptions {
  /** Bytes that may wait in each direction. */
  readonly flowBytes: number;
  readonly idle: number;
  readonly halfClosed: number;
  /** How long a connection that closed first is remembered (2 MSL). */
  readonly timeWait: number;
  /** After so long without a word from the peer, while something is owed, it is given up. */
  readonly giveUp: number;
  readonly keepAliveInterval: number;
  readonly keepAliveProbes: number;
  readonly congestion: CongestionKind;
}

/** What a connection needs from the stack. */
export interface TcpHost {
  readonly now: number;
  readonly output: PacketOutput;
  readonly counters: Counters;
  readonly tcp: TcpOptions;
  /** What one flow may hold at this moment: less when packet memory runs short. */
  readonly receiveLimit: number;
  scheduleAck(connection: TcpConnection): void;
  timerChanged(connection: TcpConnection): void;
  established(connection: TcpConnection): void;
  remove(connection: TcpConnection): void;
  refuseWithIcmp(connection: TcpConnection, error: IcmpError): void;
}

/** The other end as addresses see it. */
export interface TcpEndpoints {
  /** Our side: where the local host sends to. */
  readonly localAddress: Uint8Array;
  readonly localPort: number;
  readonly remoteAddress: Uint8Array;
  readonly remotePort: number;
}

export type Recovery = "none" | "fast" | "timeout";

/** Default MSS when the peer names none (RFC 9293, 3.7.1). */
const DEFAULT_MSS = { ipv4: 536, ipv6: 1220 } as const;

export class TcpConnection implements Timed, RecencyNode {
  readonly host: TcpHost;
  readonly endpoints: Endpoints;
  readonly writer: SegmentWriter;
  owner: TcpOwner | undefined = undefined;
  state: TcpState;
  /** Passive: the owner has accepted, our SYN is out. */
  answered: boolean;
  readonly passive: boolean;

  // Sending (RFC 9293, 3.3.1). `sndNxt` never goes back: what is sent again is found by `rtxNext`.
  iss: number;
  sndUna: number;
  sndNxt: number;
  sndWnd = 0;
  sndWl1 = 0;
  sndWl2 = 0;
  largestSndWnd = 0;
  sndShift = 0;
  mss: number;
  finQueued = false;
  finSent = false;
  readonly sendQueue: SendQueue;

  // Receiving.
  irs = 0;
  rcvNxt = 0;
  /** Right edge of what was advertised; it never moves back. */
  rcvEdge = 0;
  rcvShift: number;
  /** Bytes that the owner has not consumed. */
  held = 0;
  lastAckSent = 0;
  /** Where the peer's FIN stands, when it was seen ahead of its turn; -1 otherwise. */
  finReceivedAt = -1;
  finReceived = false;
  /** What came ahead of its turn; most flows never see any. */
  reorder: ReorderQueue | undefined = undefined;
  ackScheduled = false;
  /** Until then an acknowledgement waits for an answer to go with. */
  ackAt = Infinity;
  /** When data or FIN came last. */
  askedAt = -Infinity;
  /** So many answers have to come soon after that before an acknowledgement waits for one again. */
  soonAnswersWanted = 0;

  // What was agreed on.
  timestamps = true;
  sack = true;
  scaling = true;
  tsRecent = 0;
  readonly tsOffset: number;

  // Loss and congestion.
  readonly congestion: Congestion;
  readonly rtt = new RttEstimator();
  /** Its own only while the peer reports anything (`takeSack` in receive.ts). */
  scoreboard = NOTHING_REPORTED;
  recovery: Recovery = "none";
  recoverPoint = 0;
  rtxNext = 0;
  lossEdge = 0;
  duplicateAcks = 0;
  congestionLimited = false;
  /** Without timestamps: the segment that is being timed, and since when; -1 when none is. */
  timedSequence = 0;
  timedAt = -1;

  // Time.
  deadline = Infinity;
  heapTime = 0;
  heapIndex = -1;
  retransmitAt = Infinity;
  persistAt = Infinity;
  persistBackoff = 0;
  /** When the peer was heard last, or when it came to owe an answer after that. */
  heardAt: number;
  /** When anything moved in either direction. */
  activeAt: number;
  keepAlivesSent = 0;
  keepAliveAt = 0;
  timeWaitUntil = Infinity;
  synSends = 0;
  /** Counts against the bound on half-open connections; kept by `connections.ts`. */
  countedHalfOpen = false;

  newer: RecencyNode | undefined = undefined;
  older: RecencyNode | undefined = undefined;

  constructor(
    host: TcpHost,
    endpoints: Endpoints,
    iss: number,
    tsOffset: number,
    passive: boolean,
  ) {
    this.host = host;
    this.endpoints = endpoints;
    this.passive = passive;
    this.state = passive ? "SynReceived" : "SynSent";
    this.answered = !passive;
    this.iss = iss;
    this.sndUna = iss;
    this.sndNxt = iss;
    this.tsOffset = tsOffset;
    this.writer = new SegmentWriter(host.output, endpoints);
    this.sendQueue = new SendQueue(host.output.arena);
    this.congestion = makeCongestion(host.tcp.congestion);
    this.rcvShift = shiftFor(host.tcp.flowBytes);
    this.mss = endpoints.isIpv4 ? DEFAULT_MSS.ipv4 : DEFAULT_MSS.ipv6;
    this.heardAt = host.now;
    this.activeAt = host.now;
  }

  /** The MSS that we announce: what the link takes without options. */
  get announcedMss(): number {
    return this.host.output.mtu - this.writer.ipHeader - 20;
  }

  /** Bytes that are on the way: sent, not acknowledged. */
  get flight(): number {
    return seqDiff(this.sndNxt, this.sndUna);
  }

  /** Bytes given by the owner that were never sent. */
  get unsent(): number {
    const sent = this.flight - (this.finSent ? 1 : 0);
    return this.sendQueue.bytes - sent;
  }

  get canReceive(): boolean {
    return this.state === "Established" || this.state === "FinWait1" || this.state === "FinWait2";
  }

  get canSend(): boolean {
    return this.state === "Established" || this.state === "CloseWait";
  }

  /** How many bytes the owner may give to `send` now. */
  get sendRoom(): number {
    if (!this.canSend || this.finQueued || this.sendQueue.isFull) return 0;
    const waiting = this.sendQueue.bytes;
    const window = Math.min(this.host.tcp.flowBytes, this.sndWnd) - waiting;
    // One small piece even into a closed window: with nothing to send nobody would probe it, and a
    // lost window update would stop the flow for good.
    return waiting === 0 ? Math.max(window, 1024) : Math.max(window, 0);
  }

  /** Passive: answers the SYN. */
  accept(): void {
    if (this.state !== "SynReceived" || this.answered) return;
    this.answered = true;
    this.host.counters.tcpAccepted++;
    this.activeAt = this.host.now;
    sendSyn(this);
    armTimers(this);
  }

  /** Passive, not accepted: answers the SYN with a reset, or with an ICMP error. */
  refuse(error?: IcmpError): void {
    if (this.state !== "SynReceived" || this.answered) return;
    this.host.counters.tcpRefused++;
    if (error === undefined) this.writer.reset(0, this.rcvNxt, true);
    else this.host.refuseWithIcmp(this, error);
    this.#end();
  }

  /** Sends `[at, end)`, at most `sendRoom` bytes, and takes over one reference to its slot. */
  send(at: number, end: number): void {
    if (!this.canSend || this.finQueued || at >= end) {
      this.host.output.arena.release(at);
      return;
    }
    this.sendQueue.push(at, end);
    transmit(this);
    armTimers(this);
  }

  /** The owner has passed on `length` bytes of what it received: the window may open. */
  consumed(length: number): void {
    this.held -= length;
    if (!this.canReceive) return;
    const limit = receiveLimit(this);
    const offered = seqDiff(this.rcvEdge, this.rcvNxt);
    // Only when the sender may be waiting for it; otherwise the next acknowledgement will say it.
    if (
      offered < limit / 2 &&
      limit - this.held - offered >= Math.min(limit / 2, 2 * this.announcedMss)
    ) {
      this.host.scheduleAck(this);
    }
  }

  /** No more bytes from the owner: FIN follows what is queued. */
  finish(): void {
    if (this.finQueued || this.state === "Closed") return;
    this.finQueued = true;
    // However long nothing has moved: from here on the peer has the half-closed limit's time.
    this.activeAt = this.host.now;
    if (this.state === "Established") this.state = "FinWait1";
    else if (this.state === "CloseWait") this.state = "LastAck";
    transmit(this);
    armTimers(this);
  }

  /** Ends the connection at once, with a reset to the peer. */
  abort(): void {
    if (this.state === "Closed") return;
    this.resetPeer();
    this.host.counters.tcpResetByUs++;
    this.#end();
  }

  /** Tells the peer, where there is one that knows us, that the connection is gone. */
  resetPeer(): void {
    if (this.state === "SynSent" || this.state === "TimeWait") return;
    this.writer.reset(this.answered ? this.sndNxt : 0, this.rcvNxt, true);
  }

  /** The connection is gone without a word to the peer; tells the owner why. */
  fail(failure: TcpFailure): void {
    if (this.state === "Closed") return;
    const owner = this.owner;
    this.owner = undefined;
    this.#end();
    owner?.failed(this, failure);
  }

  /** The connection has ended in order. */
  close(): void {
    if (this.state === "Closed") return;
    this.host.counters.tcpClosed++;
    this.#end();
  }

  #end(): void {
    this.state = "Closed";
    this.sendQueue.clear();
    this.reorder?.clear();
    this.host.remove(this);
    const owner = this.owner;
    this.owner = undefined;
    owner?.closed(this);
  }
}

function shiftFor(limit: number): number {
  let shift = 0;
  while (65_535 << shift < limit && shift < 14) shift++;
  return shift;
}
