/**
 * What the local application is shown when the proxy did not connect: the error that the direct path would
 * have given, as far as the proxy tells.
 *
 * What servers really send, which decides the doubtful codes:
 * - microsocks: 5 for ECONNREFUSED, 3 and 4 for unreachable, 1 for all else, a timeout and an unknown name
 *   included. So 1 means "could not be reached", not "nobody listens there": host unreachable.
 * - dante and Tor: 5 refused, 6 for a timeout (the RFC's "TTL expired"), 2 for their rules, 1 when they fail
 *   themselves.
 * - servers built on Go's libraries: 5 and 3 where the error's text says so, 4 for everything else.
 * - `ssh -D` answers 0 before it has connected and closes the connection afterwards: nothing to map.
 */

import { Reply } from "../../wire/socks5.ts";
import type { Socks5Failure } from "./handshake.ts";

/** How a flow that could not be opened ends, seen from the local application. */
export type LocalOutcome =
  | "refused"
  | "network-unreachable"
  | "host-unreachable"
  | "timed-out"
  | "prohibited"
  | "reset";

export function localOutcome(failure: Socks5Failure): LocalOutcome {
  switch (failure.kind) {
    case "reply":
      return replyOutcome(failure.code ?? Reply.GeneralFailure);
    // The proxy does not let us in: the way is closed by an administrator, trying again will not help.
    case "rejected-method":
    case "password-needed":
    case "auth-failed":
      return "prohibited";
    // The proxy is broken, or says "no" by closing, as some do: end at once, so that a client goes on to
    // its next address.
    case "protocol":
    case "closed":
      return "reset";
    default:
      return failure.kind satisfies never;
  }
}

export function replyOutcome(code: number): LocalOutcome {
  switch (code) {
    case Reply.NotAllowed:
    case Reply.CommandNotSupported:
      return "prohibited";
    case Reply.NetworkUnreachable:
    // A proxy without this address family is a network that has no route for it: clients fall back to
    // the other family at once.
    case Reply.AddressTypeNotSupported:
      return "network-unreachable";
    case Reply.ConnectionRefused:
      return "refused";
    case Reply.TtlExpired:
      return "timed-out";
    // 4, 1 (see above), and whatever is not assigned.
    default:
      return "host-unreachable";
  }
}
