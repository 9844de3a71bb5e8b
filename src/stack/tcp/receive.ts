/**
 * What arrives for a connection (RFC 9293, 3.10.7), in the order in which the RFC looks at it:
 *
 * 1. states before the handshake is finished
 * 2. timestamps and sequence number acceptable?   (RFC 7323, 5)
 * 3. RST, SYN                                      (RFC 5961: challenge acknowledgements)
 * 4. acknowledgement: what has arrived over there, what was lost, what window there is
 * 5. data, in order or ahead of its turn
 * 6. FIN
 */

import { ACK, FIN, RST, SYN, type TcpSegment } from "../../wire/tcp.ts";
import type { TcpConnection } from "./connection.ts";
import { acknowledgeSoon } from "./delayed_ack.ts";
import { ReorderQueue } from "./reorder_queue.ts";
import { NOTHING_REPORTED, Scoreboard } from "./scoreboard.ts";
import { continueRecovery, detectLoss, sendAck, transmit } from "./send.ts";
import { seqAdd, seqDiff, seqLe, seqLt, seqMax } from "./seq.ts";
import { timestampOf } from "./segment_writer.ts";
import { armTimers } from "./timers.ts";

/** A segment of this connection. Its payload lies in the arena; who keeps it retains the slot. */
export function receiveSegment(c: TcpConnection, s: TcpSegment): void {
  switch (c.state) {
    case "SynSent":
      receiveInSynSent(c, s);
      break;
    case "SynReceived":
      if (c.answered) receiveSynchronized(c, s);
      else receiveUnanswered(c, s);
      break;
    case "Closed":
      return;
    default:
      receiveSynchronized(c, s);
  }
  armTimers(c);
}

/** Takes over what a SYN says: the peer's numbers and the options that both sides have. */
export function adoptSyn(c: TcpConnection, s: TcpSegment): void {
  c.irs = s.sequence;
  c.rcvNxt = seqAdd(s.sequence, 1);
  c.rcvEdge = c.rcvNxt;
  c.lastAckSent = c.rcvNxt;
  c.timestamps = c.timestamps && s.hasTimestamps;
  c.tsRecent = s.hasTimestamps ? s.timestamp : 0;
  c.sack = c.sack && s.sackPermitted;
  c.scaling = c.scaling && s.windowShift >= 0;
  c.sndShift = c.scaling ? s.windowShift : 0;
  if (!c.scaling) c.rcvShift = 0;
  const offered = s.mss > 0 ? s.mss : c.mss;
  // RFC 6691: the MSS counts no options; those that every segment carries are taken off here.
  c.mss = Math.max(Math.min(offered, c.announcedMss) - (c.timestamps ? 12 : 0), 64);
  c.congestion.setSegment(c.mss);
  c.sndWnd = s.window;
  c.largestSndWnd = s.window;
  c.sndWl1 = s.sequence;
  c.sndWl2 = s.acknowledgment;
}

function receiveUnanswered(c: TcpConnection, s: TcpSegment): void {
  // The client has given up, or begun anew (the stack sees to a SYN with another number).
  if (s.flags & RST && (s.sequence === c.rcvNxt || s.sequence === c.irs)) failByReset(c);
}

function receiveInSynSent(c: TcpConnection, s: TcpSegment): void {
  const acceptable = (s.flags & ACK) !== 0 && s.acknowledgment === c.sndNxt;
  if (s.flags & ACK && !acceptable) {
    if (!(s.flags & RST)) c.writer.reset(s.acknowledgment, 0, false);
    return;
  }
  if (s.flags & RST) {
    if (acceptable) c.fail("refused");
    return;
  }
  if (!(s.flags & SYN)) return;
  adoptSyn(c, s);
  c.heardAt = c.host.now;
  if (acceptable) {
    takeRttSample(c, s);
    c.sndUna = s.acknowledgment;
    establish(c);
    // The owner may have ended it by now.
    if (!isClosed(c)) sendAck(c);
    transmit(c);
  } else {
    // Both opened at once (RFC 9293, 3.5): answer with SYN and ACK.
    c.state = "SynReceived";
    c.writer.syn(c, SYN | ACK);
  }
}

function establish(c: TcpConnection): void {
  c.state = c.finQueued ? "FinWait1" : "Established";
  c.retransmitAt = Infinity;
  c.activeAt = c.host.now;
  c.host.established(c);
  c.owner?.connected(c);
}

function receiveSynchronized(c: TcpConnection, s: TcpSegment): void {
  if (s.flags & SYN && c.state === "SynReceived" && s.sequence === c.irs) {
    return receiveSynAgain(c, s);
  }
  if (!timestampsPass(c, s)) return;
  c.heardAt = c.host.now;
  if (c.keepAlivesSent > 0) {
    c.keepAlivesSent = 0;
    c.activeAt = c.host.now;
  }
  if (!isAcceptable(c, s)) {
    if (s.flags & RST) return;
    if (s.dataEnd > s.dataAt) c.host.counters.tcpDuplicates++;
    if (c.state === "TimeWait" && s.flags & FIN) restartTimeWait(c);
    // What was retransmitted may carry a new acknowledgement all the same.
    if (s.flags & ACK && !(s.flags & SYN)) receiveAcknowledgment(c, s);
    if (c.state !== "Closed") sendAck(c);
    return;
  }
  if (s.flags & RST) return receiveReset(c, s);
  if (s.flags & SYN) return challenge(c);
  if (!(s.flags & ACK)) return;
  if (s.hasTimestamps && seqLe(s.sequence, c.lastAckSent)) c.tsRecent = s.timestamp;
  if (c.state === "SynReceived" && !finishHandshake(c, s)) return;
  if (!receiveAcknowledgment(c, s)) return;
  if (c.canReceive) receiveData(c, s);
}

/**
 * The peer's SYN once more: it has not heard our answer. With an acknowledgement both had opened at once
 * (RFC 9293, 3.5), and it completes the handshake: to answer that with SYN and ACK would never end.
 */
function receiveSynAgain(c: TcpConnection, s: TcpSegment): void {
  if (!(s.flags & ACK)) return c.writer.syn(c, SYN | ACK);
  if (!finishHandshake(c, s) || isClosed(c)) return;
  sendAck(c);
  transmit(c);
}

/** RFC 7323, 5: an old timestamp marks an old duplicate (PAWS). */
function timestampsPass(c: TcpConnection, s: TcpSegment): boolean {
  if (!c.timestamps || s.flags & RST) return true;
  if (s.hasTimestamps && seqDiff(s.timestamp, c.tsRecent) >= 0) return true;
  c.host.counters.tcpPawsDropped++;
  if (s.hasTimestamps) sendAck(c);
  return false;
}

/** RFC 9293, 3.4: does the segment touch the window? */
function isAcceptable(c: TcpConnection, s: TcpSegment): boolean {
  const from = seqDiff(s.sequence, c.rcvNxt);
  if (from === 0) return true;
  const window = seqDiff(c.rcvEdge, c.rcvNxt);
  const length = s.length;
  // At the edge too: where the window is full that is where the peer's acknowledgements stand. To answer
  // those would have both ends acknowledge each other for ever.
  if (length === 0) return from > 0 && from <= window;
  return from < window && from + length > 0;
}

function receiveReset(c: TcpConnection, s: TcpSegment): void {
  // RFC 5961, 3: only the exact number resets; any other in the window is asked to prove itself.
  if (s.sequence === c.rcvNxt) failByReset(c);
  else challenge(c);
}

function failByReset(c: TcpConnection): void {
  if (c.state === "TimeWait") return c.close();
  c.host.counters.tcpResetByPeer++;
  c.fail("reset");
}

function challenge(c: TcpConnection): void {
  c.host.counters.tcpChallengeAcks++;
  sendAck(c);
}

function finishHandshake(c: TcpConnection, s: TcpSegment): boolean {
  if (s.acknowledgment !== seqAdd(c.iss, 1)) {
    c.writer.reset(s.acknowledgment, 0, false);
    return false;
  }
  takeRttSample(c, s);
  c.sndUna = s.acknowledgment;
  // The window of a SYN is never scaled (RFC 7323, 2.2).
  c.sndWnd = s.flags & SYN ? s.window : s.window << c.sndShift;
  c.largestSndWnd = c.sndWnd;
  c.sndWl1 = s.sequence;
  c.sndWl2 = s.acknowledgment;
  establish(c);
  return true;
}

/** Takes the acknowledgement and the window; false when the segment goes no further. */
function receiveAcknowledgment(c: TcpConnection, s: TcpSegment): boolean {
  if (c.state === "SynReceived") return false;
  const ack = s.acknowledgment;
  if (seqLt(c.sndNxt, ack) || seqDiff(c.sndUna, ack) > c.largestSndWnd) {
    challenge(c);
    return false;
  }
  const windowBefore = c.sndWnd;
  updateWindow(c, s);
  const news = c.sack && s.sackBlocks > 0 && takeSack(c, s);
  if (seqLt(c.sndUna, ack)) advance(c, s);
  else if (ack === c.sndUna) countDuplicate(c, s, news, windowBefore);
  if (c.recovery !== "none" || c.duplicateAcks > 0 || !c.scoreboard.isEmpty) detectLoss(c);
  transmit(c);
  c.owner?.writable(c);
  return !isOver(c);
}

function isClosed(c: TcpConnection): boolean {
  return c.state === "Closed";
}

function isOver(c: TcpConnection): boolean {
  return c.state === "Closed" || c.state === "TimeWait";
}

function updateWindow(c: TcpConnection, s: TcpSegment): void {
  const newer = seqLt(c.sndWl1, s.sequence) ||
    (c.sndWl1 === s.sequence && seqLe(c.sndWl2, s.acknowledgment));
  if (!newer) return;
  c.sndWnd = s.window << c.sndShift;
  c.sndWl1 = s.sequence;
  c.sndWl2 = s.acknowledgment;
  if (c.sndWnd > c.largestSndWnd) c.largestSndWnd = c.sndWnd;
  if (c.sndWnd > 0 && c.persistAt !== Infinity) {
    c.persistAt = Infinity;
    c.persistBackoff = 0;
  }
}

function takeSack(c: TcpConnection, s: TcpSegment): boolean {
  let news = false;
  for (let i = 0; i < s.sackBlocks; i++) {
    const left = s.sack[2 * i]!;
    const right = s.sack[2 * i + 1]!;
    // Outside what is in flight it is a duplicate's report (RFC 2883), or nonsense. Measured from one
    // point: of edges that lie far apart, each may seem to come before the next, all the way round.
    const from = seqDiff(left, c.sndUna);
    const to = seqDiff(right, c.sndUna);
    if (from <= 0 || to <= from || to > c.flight) continue;
    if (c.scoreboard === NOTHING_REPORTED) c.scoreboard = new Scoreboard();
    if (c.scoreboard.add(left, right)) news = true;
  }
  return news;
}

/** `ack` moves `sndUna` on. */
function advance(c: TcpConnection, s: TcpSegment): void {
  const ack = s.acknowledgment;
  const acked = seqDiff(ack, c.sndUna);
  const limited = c.congestionLimited;
  const finAcked = c.finSent && ack === c.sndNxt;
  takeRttSample(c, s);
  c.sendQueue.acknowledge(finAcked ? acked - 1 : acked);
  c.sndUna = ack;
  forgetReported(c, ack);
  c.duplicateAcks = 0;
  c.activeAt = c.host.now;
  if (c.recovery !== "none") continueRecovery(c);
  if (limited && c.recovery !== "fast") {
    c.congestion.acknowledged(acked, c.host.now, c.rtt.smoothed);
  }
  c.retransmitAt = c.flight > 0 ? c.host.now + c.rtt.timeout : Infinity;
  if (finAcked) finAcknowledged(c);
}

/** What was reported below `ack` has arrived in order by now. */
function forgetReported(c: TcpConnection, ack: number): void {
  if (c.scoreboard === NOTHING_REPORTED) return;
  c.scoreboard.advance(ack);
  if (c.scoreboard.isEmpty) c.scoreboard = NOTHING_REPORTED;
}

function finAcknowledged(c: TcpConnection): void {
  if (c.state === "FinWait1") c.state = "FinWait2";
  else if (c.state === "Closing") enterTimeWait(c);
  else if (c.state === "LastAck") c.close();
}

function takeRttSample(c: TcpConnection, s: TcpSegment): void {
  if (c.timestamps && s.hasTimestamps && s.timestampEcho !== 0) {
    const elapsed = seqDiff(timestampOf(c), s.timestampEcho);
    if (elapsed >= 0) c.rtt.sample(elapsed);
  } else if (c.timedAt >= 0 && seqLe(c.timedSequence, s.acknowledgment)) {
    c.rtt.sample(c.host.now - c.timedAt);
  } else c.rtt.progress();
  if (seqLe(c.timedSequence, s.acknowledgment)) c.timedAt = -1;
}

/** RFC 5681, 2 (duplicate acknowledgement); with SACK it must bring news (RFC 6675, 2). */
function countDuplicate(
  c: TcpConnection,
  s: TcpSegment,
  news: boolean,
  windowBefore: number,
): void {
  if (c.flight === 0 || s.dataEnd > s.dataAt || s.flags & FIN) return;
  if (c.sack ? news : c.sndWnd === windowBefore) c.duplicateAcks++;
}

function receiveData(c: TcpConnection, s: TcpSegment): void {
  let at = s.dataAt;
  let end = s.dataEnd;
  let sequence = s.sequence;
  if (s.flags & FIN) c.finReceivedAt = seqAdd(sequence, end - at);
  const stale = seqDiff(c.rcvNxt, sequence);
  if (stale > 0) {
    at = Math.min(at + stale, end);
    sequence = c.rcvNxt;
  }
  const room = seqDiff(c.rcvEdge, sequence);
  if (end - at > room) {
    c.host.counters.tcpOutsideWindow++;
    end = at + room;
    c.host.scheduleAck(c);
  }
  if (end > at) {
    c.activeAt = c.host.now;
    if (sequence === c.rcvNxt) deliver(c, at, end);
    else return keepForLater(c, sequence, at, end);
  }
  if (c.state === "Closed") return;
  if (c.finReceivedAt >= 0) receiveFin(c);
}

function deliver(c: TcpConnection, at: number, end: number): void {
  const taken = take(c, at, end);
  if (taken) acknowledgeSoon(c);
  else c.host.scheduleAck(c);
  if (taken && c.reorder !== undefined) deliverKept(c, c.reorder);
}

/** What was kept for later may be next. */
function deliverKept(c: TcpConnection, kept: ReorderQueue): void {
  const arena = c.host.output.arena;
  for (let piece = kept.take(c.rcvNxt); piece !== undefined; piece = kept.take(c.rcvNxt)) {
    const all = !c.canReceive || take(c, piece.at, piece.end);
    arena.release(piece.at);
    if (!all) return;
  }
  if (kept.isEmpty) c.reorder = undefined;
}

/** Hands on what is in order; false when the owner did not take all: the peer sends the rest again. */
function take(c: TcpConnection, at: number, end: number): boolean {
  const length = end - at;
  // Counted before the owner hears of it, who may pass everything on at once.
  c.rcvNxt = seqAdd(c.rcvNxt, length);
  if (c.owner === undefined) return true;
  c.held += length;
  const left = length - c.owner.received(c, at, end);
  if (left === 0) return true;
  c.rcvNxt = seqAdd(c.rcvNxt, -left);
  c.held -= left;
  c.host.counters.dropNoMemory++;
  return false;
}

function keepForLater(c: TcpConnection, sequence: number, at: number, end: number): void {
  c.host.counters.tcpOutOfOrder++;
  c.reorder ??= new ReorderQueue(c.host.output.arena);
  if (!c.reorder.insert(sequence, at, end)) c.host.counters.tcpReorderFull++;
  // At once, one for each: the sender counts them (RFC 5681, 4.2).
  sendAck(c);
}

function receiveFin(c: TcpConnection): void {
  if (c.finReceivedAt !== c.rcvNxt) {
    // Ahead of its turn it waits; behind, it was a duplicate.
    if (seqLt(c.finReceivedAt, c.rcvNxt)) c.finReceivedAt = -1;
    else c.host.scheduleAck(c);
    return;
  }
  c.finReceivedAt = -1;
  c.finReceived = true;
  c.rcvNxt = seqAdd(c.rcvNxt, 1);
  c.rcvEdge = seqMax(c.rcvEdge, c.rcvNxt);
  c.activeAt = c.host.now;
  if (c.state === "Established") acknowledgeSoon(c);
  else c.host.scheduleAck(c);
  const last = c.state === "FinWait2";
  if (c.state === "Established") c.state = "CloseWait";
  else if (c.state === "FinWait1") c.state = "Closing";
  c.owner?.finished(c);
  if (last && !isOver(c)) enterTimeWait(c);
}

/** RFC 9293, 3.10.7.4: our acknowledgement of the FIN was lost; the time begins anew. */
function restartTimeWait(c: TcpConnection): void {
  c.timeWaitUntil = c.host.now + c.host.tcp.timeWait;
}

function enterTimeWait(c: TcpConnection): void {
  c.state = "TimeWait";
  c.retransmitAt = Infinity;
  c.persistAt = Infinity;
  restartTimeWait(c);
  // For the owner it is over; only the stack remembers the numbers a little longer.
  const owner = c.owner;
  c.owner = undefined;
  owner?.closed(c);
}
