/**
 * Flows meet policy: where a flow to some destination goes, with the reason.
 *
 * Everything goes to the proxy but what no proxy can carry: those destinations mean something only on
 * this host or this link.
 */

import { isLinkLocal, isLoopback, isMulticast, isUnspecified } from "../addr/kind.ts";

export type Decision = "proxy" | "refuse" | "drop";

export interface Verdict {
  readonly decision: Decision;
  readonly reason: string;
}

const PROXY: Verdict = { decision: "proxy", reason: "default" };
const LOOPBACK: Verdict = { decision: "refuse", reason: "loopback address" };
const LINK_LOCAL: Verdict = { decision: "refuse", reason: "link-local address" };
const UNSPECIFIED: Verdict = { decision: "refuse", reason: "unspecified address" };
/** Nobody expects an answer to these: discovery protocols talk into every interface. */
const MULTICAST: Verdict = { decision: "drop", reason: "multicast or broadcast" };

/** Decides for the destination of `length` bytes at `at`. No allocation: verdicts are constants. */
export function decide(bytes: Uint8Array, at: number, length: number): Verdict {
  if (isMulticast(bytes, at, length)) return MULTICAST;
  // 240.0.0.0/4 is reserved, 255.255.255.255 among it.
  if (length === 4 && bytes[at]! >= 240) return MULTICAST;
  if (isLoopback(bytes, at, length)) return LOOPBACK;
  if (isLinkLocal(bytes, at, length)) return LINK_LOCAL;
  if (isUnspecified(bytes, at, length)) return UNSPECIFIED;
  return PROXY;
}
