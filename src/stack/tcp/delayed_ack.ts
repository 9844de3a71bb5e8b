/**
 * Acknowledgements that go with an answer instead of by themselves (RFC 9293, 3.8.6.3).
 *
 * A request is small, and its answer may be there in a moment: one packet fewer for each. Only little
 * waits, and only for 2 ms: a sender that waits for it (Nagle's algorithm) hardly notices. Where answers
 * take longer nothing waits, until many have come so soon again.
 */

import type { TcpConnection } from "./connection.ts";
import { seqDiff } from "./seq.ts";

const LONGEST_WAIT = 2;
const SOON_AGAIN = 16;

/** Something has come in order. */
export function acknowledgeSoon(c: TcpConnection): void {
  c.askedAt = c.host.now;
  const little = seqDiff(c.rcvNxt, c.lastAckSent) < c.mss;
  if (!little || c.soonAnswersWanted > 0 || c.reorder !== undefined) c.host.scheduleAck(c);
  else if (c.ackAt === Infinity) c.ackAt = c.host.now + LONGEST_WAIT;
}

/** Something goes that takes an acknowledgement along. */
export function answered(c: TcpConnection): void {
  const soon = c.host.now - c.askedAt <= LONGEST_WAIT;
  if (soon && c.soonAnswersWanted > 0) c.soonAnswersWanted--;
}

/** The time is over: it goes by itself. */
export function noAnswerCame(c: TcpConnection): void {
  c.soonAnswersWanted = SOON_AGAIN;
}
