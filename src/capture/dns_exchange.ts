/**
 * One DNS question and its answer, over UDP or TCP, by plain sockets: what a program of this host would do
 * itself. Only the signal ends the waiting; then nothing is left open.
 */

import { DatagramSocket } from "../../ffi/datagram_linux.ts";
import { Errno, SysError } from "../../ffi/libc.ts";
import { type Address, formatAddress } from "../addr/address.ts";
import { MessageReader } from "../dns/message_reader.ts";
import { isResponseTo } from "../wire/dns_query.ts";

export interface DnsServer {
  readonly address: Address;
  readonly port: number;
}

/** Resolves to a response with the query's ID; rejects with what the system says of the server. */
export type AskServer = (
  server: DnsServer,
  query: Uint8Array,
  signal: AbortSignal,
) => Promise<Uint8Array>;

/** Datagrams get lost: so long after each one the next is sent, and after the last the asker gives up. */
const PAUSES_MS = [1_000, 2_000, 4_000, 8_000, 16_000];
const READ_SIZE = 4_096;
/** In the words that Deno has for its own connections. */
const SAID: ReadonlyMap<number, string> = new Map([
  [Errno.ECONNREFUSED, "connection refused"],
  [Errno.ENETUNREACH, "network is unreachable"],
  [Errno.EHOSTUNREACH, "no route to host"],
]);

/** By a socket with the mark; 0 is none. */
export function udpAsker(mark: number): AskServer {
  return async ({ address, port }, query, signal) => {
    signal.throwIfAborted();
    const socket = DatagramSocket.udp(address, port, mark);
    const interrupt = () => socket.interrupt();
    signal.addEventListener("abort", interrupt);
    try {
      for (const pause of PAUSES_MS) {
        const answer = await socket.ask(query, pause);
        signal.throwIfAborted();
        if (answer !== undefined && isResponseTo(query, answer)) return answer;
      }
      throw new Error("no answer");
    } finally {
      signal.removeEventListener("abort", interrupt);
      socket.close();
    }
  };
}

export const askOverTcp: AskServer = async ({ address, port }, query, signal) => {
  using connection = await Deno.connect({ hostname: formatAddress(address), port, signal });
  const close = () => connection[Symbol.dispose]();
  signal.addEventListener("abort", close);
  try {
    signal.throwIfAborted();
    return await exchange(connection, query);
  } catch (error) {
    // A read that was cut off says nothing of why.
    signal.throwIfAborted();
    throw error;
  } finally {
    signal.removeEventListener("abort", close);
  }
};

async function exchange(connection: Deno.TcpConn, query: Uint8Array): Promise<Uint8Array> {
  await writeAll(connection, Uint8Array.of(query.length >> 8, query.length, ...query));
  let answer: Uint8Array | undefined;
  const reader = new MessageReader({
    message: (bytes, at, end) => {
      const message = bytes.slice(at, end);
      if (isResponseTo(query, message)) answer ??= message;
    },
  });
  const buffer = new Uint8Array(READ_SIZE);
  while (answer === undefined) {
    const length = await connection.read(buffer);
    if (length === null) throw new Error("closed without an answer");
    reader.receive(buffer, 0, length);
  }
  return answer;
}

async function writeAll(connection: Deno.TcpConn, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length;) at += await connection.write(bytes.subarray(at));
}

/** Why a question had no answer, in few words. */
export function failureText(error: unknown): string {
  if (error instanceof DOMException) return "no answer";
  if (error instanceof SysError && SAID.has(error.code)) return SAID.get(error.code)!;
  if (!(error instanceof Error)) return String(error);
  const text = error.message.replace(/ \(os error \d+\)$/, "");
  return text.charAt(0).toLowerCase() + text.slice(1);
}

/** Runs `body` with a signal that comes after so long, or with the outer one, whichever is first. */
export async function within<T>(
  timeoutMs: number,
  outer: AbortSignal | undefined,
  body: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const deadline = new AbortController();
  const end = () => deadline.abort();
  const timer = setTimeout(end, timeoutMs);
  if (outer?.aborted) end();
  outer?.addEventListener("abort", end);
  try {
    return await body(deadline.signal);
  } finally {
    clearTimeout(timer);
    outer?.removeEventListener("abort", end);
  }
}
