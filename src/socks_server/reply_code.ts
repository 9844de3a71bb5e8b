/**
 * Which reply tells the client why its destination could not be reached.
 *
 * Deno's errors carry the system's name for the failure in `code`. A failed name lookup has only its text.
 */

import { Reply } from "../wire/socks5.ts";

const REPLIES: ReadonlyMap<string, number> = new Map([
  ["ECONNREFUSED", Reply.ConnectionRefused],
  ["ECONNRESET", Reply.ConnectionRefused],
  ["ENETUNREACH", Reply.NetworkUnreachable],
  ["ENETDOWN", Reply.NetworkUnreachable],
  ["EADDRNOTAVAIL", Reply.NetworkUnreachable],
  ["EHOSTUNREACH", Reply.HostUnreachable],
  ["EHOSTDOWN", Reply.HostUnreachable],
  ["ETIMEDOUT", Reply.TtlExpired],
  ["EACCES", Reply.NotAllowed],
  ["EPERM", Reply.NotAllowed],
  ["EAFNOSUPPORT", Reply.AddressTypeNotSupported],
]);

export function replyForError(error: unknown): number {
  if (!(error instanceof Error)) return Reply.GeneralFailure;
  const code = "code" in error && typeof error.code === "string" ? error.code : "";
  const reply = REPLIES.get(code);
  if (reply !== undefined) return reply;
  // getaddrinfo's failures, as Deno words them: the RFC's nearest is that there is no such host.
  if (/lookup address|resolve/i.test(error.message)) return Reply.HostUnreachable;
  return Reply.GeneralFailure;
}
