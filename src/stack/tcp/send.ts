/**
 * What leaves a connection: lost bytes first, then new ones, then FIN, as far as the windows allow.
 *
 * 1. `retransmitLost`: holes below `lossEdge`, from `rtxNext` on (RFC 6675, NextSeg).
 * 2. `sendNew`: from `sndNxt` on, in segments as large as the link takes.
 * 3. FIN, once everything is out.
 * 4. If nothing could leave because the peer's window is closed, the persist timer takes over.
 */

import { ACK, FIN, PSH, SYN } from "../../wire/tcp.ts";
import type { TcpConnection } from "./connection.ts";
import { answered } from "./delayed_ack.ts";
import { seqAdd, seqDiff, seqLe, seqLt, seqMax } from "./seq.ts";

/** An IP packet's length field ends here; the kernel cuts the payload into segments. */
const LARGEST_PACKET = 65_535;

/** Sends what may be sent now. */
export function transmit(c: TcpConnection): void {
  if (!isSending(c)) return;
  if (c.recovery !== "none") retransmitLost(c);
  sendNew(c);
  if (c.finQueued && !c.finSent && c.unsent === 0 && windowLeft(c) >= 0) sendFin(c);
  if (c.flight === 0 && (c.unsent > 0 || (c.finQueued && !c.finSent))) startPersist(c);
}

/** Sends our SYN, or our SYN and ACK, for the first time or again. */
export function sendSyn(c: TcpConnection): void {
  c.synSends++;
  c.sndNxt = seqAdd(c.iss, 1);
  if (c.timedAt < 0 && c.synSends === 1) {
    c.timedSequence = c.sndNxt;
    c.timedAt = c.host.now;
  } else c.timedAt = -1;
  c.writer.syn(c, c.state === "SynReceived" ? SYN | ACK : SYN);
  c.retransmitAt = c.host.now + c.rtt.timeout;
}

/** Sends an acknowledgement at once. */
export function sendAck(c: TcpConnection): void {
  c.writer.segment(c, ACK, c.sndNxt, 0, 0);
}

/** Sends something that the peer must answer, though it brings nothing new: window probe, keep-alive. */
export function sendProbe(c: TcpConnection): void {
  const owed = c.ackAt !== Infinity;
  c.writer.segment(c, ACK, seqAdd(c.sndUna, -1), 0, 0);
  if (owed) c.host.scheduleAck(c);
}

/** The largest payload of one write to the link. */
export function largestSegment(c: TcpConnection): number {
  if (!c.host.output.vnet) return c.mss;
  const options = c.timestamps ? 12 : 0;
  const room = LARGEST_PACKET - c.writer.ipHeader - 20 - options;
  return room - room % c.mss;
}

/** Bytes that are believed to be in the network (RFC 6675, SetPipe). */
export function pipe(c: TcpConnection): number {
  const out = c.flight - c.scoreboard.bytes;
  if (c.recovery === "none") return out - (c.sack ? 0 : c.duplicateAcks * c.mss);
  const lost = c.scoreboard.missing(seqMax(c.rtxNext, c.sndUna), c.lossEdge);
  return out - lost - (c.sack ? 0 : c.duplicateAcks * c.mss);
}

function isSending(c: TcpConnection): boolean {
  switch (c.state) {
    case "Established":
    case "CloseWait":
    case "FinWait1":
    case "LastAck":
    case "Closing":
      return true;
    default:
      return false;
  }
}

function windowLeft(c: TcpConnection): number {
  return c.sndWnd - c.flight;
}

function sendNew(c: TcpConnection): void {
  let unsent = c.unsent;
  if (unsent === 0) return;
  const largest = largestSegment(c);
  let inPipe = pipe(c);
  while (unsent > 0) {
    const byCongestion = Math.floor(c.congestion.window - inPipe);
    const length = segmentLength(c, largest, Math.min(byCongestion, windowLeft(c)));
    if (length === 0) break;
    sendRange(c, c.sndNxt, length, length === unsent);
    c.sndNxt = seqAdd(c.sndNxt, length);
    unsent -= length;
    inPipe += length;
  }
  // Used to within a segment: then its acknowledgement may make the window larger (RFC 7661).
  c.congestionLimited = c.congestion.window - inPipe < c.mss;
}

/** How long the next new segment may be; 0 when it has to wait. */
function segmentLength(c: TcpConnection, largest: number, usable: number): number {
  if (usable <= 0) return 0;
  c.sendQueue.locate(seqDiff(c.sndNxt, c.sndUna));
  const length = Math.min(c.sendQueue.foundEnd - c.sendQueue.foundAt, largest);
  if (length <= usable) return length;
  // The sender's side of silly window avoidance (RFC 9293, 3.8.6.2.1): whole segments, or a large part
  // of what the peer ever offered; with nothing in flight the persist timer sends what fits.
  if (usable >= c.mss) return usable - usable % c.mss;
  return usable >= c.largestSndWnd / 2 && c.flight === 0 ? usable : 0;
}

/** The persist timer ran out: what the small window takes goes, however little it is. */
export function sendIntoSmallWindow(c: TcpConnection): void {
  c.sendQueue.locate(0);
  const length = Math.min(c.sendQueue.foundEnd - c.sendQueue.foundAt, c.sndWnd, c.mss);
  sendRange(c, c.sndNxt, length, length === c.unsent);
  c.sndNxt = seqAdd(c.sndNxt, length);
}

/** Sends queued bytes from `sequence` on, which must lie in one range. */
function sendRange(c: TcpConnection, sequence: number, length: number, last: boolean): void {
  const queue = c.sendQueue;
  queue.locate(seqDiff(sequence, c.sndUna));
  if (c.timedAt < 0 && sequence === c.sndNxt) {
    c.timedSequence = seqAdd(sequence, length);
    c.timedAt = c.host.now;
  }
  answered(c);
  const flags = last ? ACK | PSH : ACK;
  c.writer.segment(c, flags, sequence, queue.foundAt, queue.foundAt + length);
  armRetransmit(c);
}

function sendFin(c: TcpConnection): void {
  c.finSent = true;
  answered(c);
  c.writer.segment(c, FIN | ACK, c.sndNxt, 0, 0);
  c.sndNxt = seqAdd(c.sndNxt, 1);
  armRetransmit(c);
}

function armRetransmit(c: TcpConnection): void {
  if (c.retransmitAt === Infinity) {
    c.retransmitAt = c.host.now + c.rtt.timeout;
    c.heardAt = c.host.now;
  }
  c.persistAt = Infinity;
  c.persistBackoff = 0;
}

function startPersist(c: TcpConnection): void {
  if (c.persistAt !== Infinity) return;
  if (c.persistBackoff === 0) c.heardAt = c.host.now;
  c.persistAt = c.host.now + Math.min(c.rtt.timeout * 2 ** c.persistBackoff, 60_000);
}

/** Sends holes again while the congestion window allows; the first of an episode always. */
function retransmitLost(c: TcpConnection): void {
  const largest = largestSegment(c);
  c.rtxNext = seqMax(c.rtxNext, c.sndUna);
  let first = c.rtxNext === c.sndUna;
  while (true) {
    c.rtxNext = c.scoreboard.skip(c.rtxNext);
    if (!seqLt(c.rtxNext, c.lossEdge)) return;
    const room = Math.floor(c.congestion.window - pipe(c));
    if (room < c.mss && !first) {
      c.congestionLimited = true;
      return;
    }
    first = false;
    retransmitAt(c, Math.min(largest, Math.max(room - room % c.mss, c.mss)));
  }
}

/** Sends one segment again, at `rtxNext`, and moves on behind it. */
function retransmitAt(c: TcpConnection, most: number): void {
  c.host.counters.tcpRetransmissions++;
  c.timedAt = -1;
  // Who has these bytes already looks at nothing in the segment: what it is owed goes by itself.
  const owed = c.ackAt !== Infinity;
  const offset = seqDiff(c.rtxNext, c.sndUna);
  if (offset >= c.sendQueue.bytes) {
    c.writer.segment(c, FIN | ACK, c.rtxNext, 0, 0);
    c.rtxNext = seqAdd(c.rtxNext, 1);
  } else {
    c.sendQueue.locate(offset);
    const range = c.sendQueue.foundEnd - c.sendQueue.foundAt;
    const length = Math.min(most, range, c.scoreboard.hole(c.rtxNext, c.lossEdge));
    sendRange(c, c.rtxNext, length, false);
    c.rtxNext = seqAdd(c.rtxNext, length);
  }
  if (owed) c.host.scheduleAck(c);
  armRetransmit(c);
}

/** Begins to repair losses, when the acknowledgements show any. */
export function detectLoss(c: TcpConnection): void {
  if (c.flight === 0) return;
  const edge = c.scoreboard.lossEdge(c.sndUna, 2 * c.mss);
  if (c.recovery === "fast") {
    if (c.sack) c.lossEdge = seqMax(c.lossEdge, edge);
    return;
  }
  if (c.recovery === "timeout" || (edge === c.sndUna && c.duplicateAcks < 3)) return;
  c.host.counters.tcpFastRecoveries++;
  c.congestion.lost(c.flight);
  c.recovery = "fast";
  c.recoverPoint = c.sndNxt;
  c.rtxNext = c.sndUna;
  c.lossEdge = seqMax(edge, firstSegmentEnd(c));
}

/** New data was acknowledged during recovery: over, or the next hole (RFC 6582, 6675). */
export function continueRecovery(c: TcpConnection): void {
  if (seqLe(c.recoverPoint, c.sndUna)) {
    c.recovery = "none";
    return;
  }
  c.rtxNext = seqMax(c.rtxNext, c.sndUna);
  if (c.recovery === "fast" && !c.sack) {
    c.rtxNext = c.sndUna;
    c.lossEdge = firstSegmentEnd(c);
  }
}

/** The retransmission timer ran out: everything that is out counts as lost. */
export function recoverFromTimeout(c: TcpConnection): void {
  c.host.counters.tcpTimeouts++;
  c.congestion.timedOut(c.flight, c.rtt.backoffs > 1);
  c.congestionLimited = true;
  c.recovery = "timeout";
  // A peer may take back what it reported (RFC 2018, section 8).
  c.scoreboard.clear();
  c.duplicateAcks = 0;
  c.recoverPoint = c.sndNxt;
  c.rtxNext = c.sndUna;
  c.lossEdge = c.sndNxt;
  c.retransmitAt = c.host.now + c.rtt.timeout;
  transmit(c);
}

function firstSegmentEnd(c: TcpConnection): number {
  return seqAdd(c.sndUna, Math.min(c.mss, c.flight));
}
