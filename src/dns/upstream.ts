/** What is known of one server that is asked over TCP: its connections, and the queries that wait. */

import type { TcpConnection } from "./tcp_connection.ts";
import type { Transaction } from "./transaction.ts";

/**
 * Milliseconds for which a server's limit is believed. Finding it out again costs a second try of a few
 * queries; believing in one that was only a server being restarted costs a connection per query.
 */
const LIMIT_BELIEVED = 60_000;

export class Upstream {
  readonly server: string;
  /** Opening and open ones; a few at most. */
  readonly connections: TcpConnection[] = [];
  /** Oldest first; a few hundred at most, so an array will do. */
  readonly queue: Transaction[] = [];
  #limit = Infinity;
  #limitUntil = 0;

  constructor(server: string) {
    this.server = server;
  }

  /** How many queries the server takes on one connection. */
  limit(now: number): number {
    return now < this.#limitUntil ? this.#limit : Infinity;
  }

  /** Notes what the end of a connection has shown. */
  learnLimit(limit: number, now: number): void {
    if (limit === Infinity) return;
    this.#limit = Math.min(limit, this.limit(now));
    this.#limitUntil = now + LIMIT_BELIEVED;
  }

  /** The open connection with the fewest queries in flight, if any may take one more. */
  roomiest(pipeline: number, now: number): TcpConnection | undefined {
    const limit = this.limit(now);
    let best: TcpConnection | undefined;
    for (const connection of this.connections) {
      if (!connection.hasRoom(pipeline, limit)) continue;
      if (best === undefined || connection.unanswered < best.unanswered) best = connection;
    }
    return best;
  }

  /** An open connection, done with its queries, on which the server takes no more of them. */
  spent(now: number): TcpConnection | undefined {
    const limit = this.limit(now);
    if (limit === Infinity) return undefined;
    for (const connection of this.connections) {
      if (connection.state !== "Open" || connection.asked < limit) continue;
      connection.prune();
      if (connection.unanswered === 0) return connection;
    }
    return undefined;
  }

  /** True when more queries wait than the connections being opened will take. */
  wantsConnection(pipeline: number, connectionsPerServer: number, now: number): boolean {
    if (this.connections.length >= connectionsPerServer) return false;
    return this.queue.length > this.#opening() * this.#share(pipeline, now);
  }

  /** Takes the first query that somebody still waits for. */
  next(): Transaction | undefined {
    let transaction = this.queue.shift();
    while (transaction?.done) transaction = this.queue.shift();
    return transaction;
  }

  /**
   * What a connection that could not be opened takes with it: everything if it was the only one, else
   * what it would have carried. Each attempt costs at least one query, so attempts come to an end.
   */
  takeShare(pipeline: number, now: number): Transaction[] {
    if (this.connections.length === 0) return this.takeAll();
    return this.queue.splice(0, this.#share(pipeline, now));
  }

  takeAll(): Transaction[] {
    return this.queue.splice(0);
  }

  /** Forgets waiting queries that nobody waits for any more. */
  prune(): void {
    if (!this.queue.some((transaction) => transaction.done)) return;
    this.queue.push(...this.takeAll().filter((transaction) => !transaction.done));
  }

  remove(connection: TcpConnection): void {
    const index = this.connections.indexOf(connection);
    if (index >= 0) this.connections.splice(index, 1);
  }

  /** What a new connection takes from the queue. */
  #share(pipeline: number, now: number): number {
    return Math.min(pipeline, this.limit(now));
  }

  #opening(): number {
    let opening = 0;
    for (const { state } of this.connections) if (state === "Opening") opening++;
    return opening;
  }
}
