/**
 * What happens to a connection with time. Timers are plain fields; the earliest is its deadline.
 *
 *     ackAt          no answer came to take it along    → acknowledge
 *     retransmitAt   no acknowledgement came            → send again, back off; give up in the end
 *     persistAt      the peer's window stays closed     → probe it
 *     idle           nothing moved for long             → keep-alive probes, then gone
 *     half-closed    one side is done, the other silent → gone
 *     timeWaitUntil  both sides are done                → forgotten
 */

import type { TcpConnection } from "./connection.ts";
import { noAnswerCame } from "./delayed_ack.ts";
import {
  recoverFromTimeout,
  sendAck,
  sendIntoSmallWindow,
  sendProbe,
  sendSyn,
  transmit,
} from "./send.ts";

/** SYN or SYN-ACK is sent so often: 1, 2, 4, 8, 16 s apart. */
const SYN_SENDS = 6;

/**
 * After so many tries in vain, at least, a peer is given up (RFC 9293, 3.8.3). Time alone does not tell:
 * a host that slept for an hour finds every limit passed, and its peers well.
 */
const TRIES = 3;

/** Tells the heap when the connection wants to be called. */
export function armTimers(c: TcpConnection): void {
  if (c.state === "Closed") return;
  c.deadline = Math.min(
    c.ackAt,
    c.retransmitAt,
    c.persistAt,
    c.timeWaitUntil,
    idleDeadline(c),
  );
  c.host.timerChanged(c);
}

/** One of the connection's times has come. */
export function timerExpired(c: TcpConnection): void {
  const now = c.host.now;
  if (now >= c.timeWaitUntil) return c.close();
  if (now >= c.ackAt) ackExpired(c);
  if (now >= c.retransmitAt) retransmitExpired(c);
  else if (now >= c.persistAt) persistExpired(c);
  else if (now >= idleDeadline(c)) idleExpired(c);
  armTimers(c);
}

function ackExpired(c: TcpConnection): void {
  noAnswerCame(c);
  sendAck(c);
}

function isHalfClosed(c: TcpConnection): boolean {
  return c.finReceived || c.finQueued;
}

function idleDeadline(c: TcpConnection): number {
  if (c.state === "TimeWait") return Infinity;
  // An unanswered connection waits for its owner, who has a limit of its own.
  if (!c.answered) return Infinity;
  // While something is out the retransmission timer decides, however slow the way is.
  if (c.flight > 0) return Infinity;
  if (isHalfClosed(c)) return c.activeAt + c.host.tcp.halfClosed;
  if (c.keepAlivesSent > 0) return c.keepAliveAt + c.host.tcp.keepAliveInterval;
  return c.activeAt + c.host.tcp.idle;
}

function idleExpired(c: TcpConnection): void {
  if (isHalfClosed(c) || c.keepAlivesSent >= c.host.tcp.keepAliveProbes) {
    c.host.counters.tcpIdleClosed++;
    resetAndFail(c, "idle");
    return;
  }
  c.keepAlivesSent++;
  c.keepAliveAt = c.host.now;
  c.host.counters.tcpKeepAlives++;
  sendProbe(c);
}

function retransmitExpired(c: TcpConnection): void {
  c.rtt.backOff();
  if (c.state === "SynSent" || c.state === "SynReceived") {
    if (c.synSends >= SYN_SENDS) return giveUp(c);
    return sendSyn(c);
  }
  if (isLost(c, c.rtt.backoffs)) return giveUp(c);
  recoverFromTimeout(c);
}

function persistExpired(c: TcpConnection): void {
  if (isLost(c, c.persistBackoff)) return giveUp(c);
  c.host.counters.tcpWindowProbes++;
  c.persistBackoff++;
  c.persistAt = Infinity;
  if (c.sndWnd > 0 && c.unsent > 0) sendIntoSmallWindow(c);
  else sendProbe(c);
  transmit(c);
}

function isLost(c: TcpConnection, tries: number): boolean {
  return tries > TRIES && c.host.now - c.heardAt >= c.host.tcp.giveUp;
}

function giveUp(c: TcpConnection): void {
  c.host.counters.tcpTimedOut++;
  resetAndFail(c, "timed-out");
}

function resetAndFail(c: TcpConnection, failure: "idle" | "timed-out"): void {
  c.resetPeer();
  c.fail(failure);
}
