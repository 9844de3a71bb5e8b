/**
 * One DNS-over-TCP connection to one server (RFC 7766), without the connection itself: which queries
 * were written to it, what has come back, and what is left unanswered when it ends.
 *
 *     Opening ──opened──▶ Open ──end──▶ Closed
 *        └───────────end────────────────▲
 */

import { check, readId } from "../wire/dns.ts";
import { MessageReader } from "./message_reader.ts";
import type { Transaction } from "./transaction.ts";

export type ConnectionState = "Opening" | "Open" | "Closed";

/** Whom a connection gives its messages to. */
export interface ConnectionOwner {
  /** A message of at least a header; whoever it answers becomes `done` in this call. */
  answer(server: string, bytes: Uint8Array, at: number, end: number): void;
}

export class TcpConnection {
  readonly id: number;
  readonly server: string;
  readonly openingSince: number;
  state: ConnectionState = "Opening";
  /** When it was opened, or gave its last answer: what else it sends does not keep it alive. */
  lastUse: number;
  /** Queries written to it in all. */
  asked = 0;
  /** Messages in a row that answered nothing that was asked here. */
  strays = 0;
  readonly #owner: ConnectionOwner;
  readonly #reader = new MessageReader(this);
  /** Written and not answered, by upstream ID, oldest first. */
  readonly #unanswered = new Map<number, Transaction>();
  #answered = 0;
  #leftAtLastAnswer = 0;
  #now: number;

  constructor(id: number, server: string, owner: ConnectionOwner, now: number) {
    this.id = id;
    this.server = server;
    this.openingSince = now;
    this.lastUse = now;
    this.#now = now;
    this.#owner = owner;
  }

  opened(now: number): void {
    this.state = "Open";
    this.lastUse = now;
  }

  get unanswered(): number {
    return this.#unanswered.size;
  }

  /** True when one query more may be written: `pipeline` at most in flight, `limit` in all. */
  hasRoom(pipeline: number, limit: number): boolean {
    if (this.state !== "Open" || this.asked >= limit) return false;
    if (this.#unanswered.size >= pipeline) this.prune();
    return this.#unanswered.size < pipeline;
  }

  /** The bytes to write for this query, which from now on counts as asked here. */
  send(transaction: Transaction, now: number): Uint8Array {
    // An ID is given out again only when its transaction is done; then a late answer is no longer wanted.
    this.#unanswered.delete(transaction.id);
    this.#unanswered.set(transaction.id, transaction);
    transaction.askedAt = now;
    this.asked++;
    return transaction.framed;
  }

  /** Takes what the server sent, in any pieces. */
  receive(bytes: Uint8Array, at: number, end: number, now: number): void {
    this.#now = now;
    this.#reader.receive(bytes, at, end);
  }

  /** From the reader: one message. Its ID is read first, for the owner may change it in place. */
  message(bytes: Uint8Array, at: number, end: number): void {
    this.strays++;
    if (check(bytes, at, end) < 0) return;
    const id = readId(bytes, at);
    this.#owner.answer(this.server, bytes, at, end);
    if (this.#unanswered.get(id)?.done !== true) return;
    this.#unanswered.delete(id);
    this.strays = 0;
    this.lastUse = this.#now;
    this.#answered++;
    this.#leftAtLastAnswer = this.#unanswered.size;
  }

  /** Forgets queries that nobody waits for any more. */
  prune(): void {
    for (const [id, transaction] of this.#unanswered) {
      if (transaction.done) this.#unanswered.delete(id);
    }
  }

  /** Ends the connection; gives back the queries that still want an answer, oldest first. */
  end(): Transaction[] {
    this.state = "Closed";
    this.#reader.stop();
    this.prune();
    const left = [...this.#unanswered.values()];
    this.#unanswered.clear();
    return left;
  }

  /**
   * How many queries the server takes per connection, as far as this one's end shows; else Infinity.
   *
   * There are servers that answer one query, or a few, and close on those sent ahead of the answers.
   * One that closes an idle connection just as a query crosses is told apart by nothing having been
   * left at its last answer.
   */
  get provenLimit(): number {
    if (this.#unanswered.size === 0) return Infinity;
    if (this.#answered === 0) return this.#unanswered.size > 1 ? 1 : Infinity;
    return this.#leftAtLastAnswer > 0 ? this.#answered : Infinity;
  }

  /** When the server, asked and without an answer since, has been waited for long enough. */
  stallDeadline(patience: number): number {
    for (const { askedAt } of this.#unanswered.values()) {
      return Math.max(askedAt, this.lastUse) + patience;
    }
    return Infinity;
  }
}
