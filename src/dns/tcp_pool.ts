/**
 * DNS over TCP (RFC 7766) for a proxy that relays no UDP: which connection each query takes.
 *
 *  1. `ask` puts a query into the queue of its server.
 *  2. The queue empties into open connections that have room, the least busy one first.
 *  3. What is left makes a new connection, up to a bound per server and in all; else it waits.
 *  4. Messages go to the listener, who matches them with `Transactions`.
 *  5. A connection that ends with queries unanswered: each is asked once more, on another one. A server
 *     that answers so many queries and closes is given no more than that per connection from then on.
 *  6. What cannot be had is `failed` at once, so that the client hears SERVFAIL and need not wait.
 *
 * No I/O: the listener opens, writes and closes, and reports back. It may do so from within its own
 * methods; each is called last, after the books are in order.
 *
 * Bounds: `queue` queries wait per server, the newest one fails beyond that. When all connections are in
 * use, an idle one is closed for the new one; if none is idle, the query waits if it has connections to
 * wait for, and fails if not.
 */

import { type ConnectionOwner, TcpConnection } from "./tcp_connection.ts";
import type { Transaction } from "./transaction.ts";
import { Upstream } from "./upstream.ts";

export interface DnsTcpSettings {
  /** Queries in flight on one connection. */
  pipeline: number;
  connectionsPerServer: number;
  connections: number;
  /** Queries that wait, per server, for a connection with room. */
  queue: number;
  /** Servers remembered; those not in use go first. Must exceed `connections`. */
  servers: number;
  /** Milliseconds to open a connection. */
  connectTimeout: number;
  /** Milliseconds without a query after which a connection is closed. */
  idle: number;
  /** Milliseconds of silence, with queries unanswered, after which a connection counts as dead. */
  stall: number;
}

export const DEFAULT_DNS_TCP_SETTINGS: Readonly<DnsTcpSettings> = {
  pipeline: 64,
  connectionsPerServer: 4,
  connections: 64,
  queue: 1024,
  servers: 256,
  connectTimeout: 10_000,
  idle: 10_000,
  stall: 10_000,
};

/** "Unreachable": no connection. "Closed": two connections ended without an answer. "Busy": a bound. */
export type DnsTcpFailure = "Unreachable" | "Closed" | "Busy";

export interface DnsTcpListener extends ConnectionOwner {
  /** Open a TCP stream to `server`; report `opened` or `ended`. */
  open(connection: number, server: string): void;
  /** Write all of `bytes`, which stay valid and must not be changed. */
  write(connection: number, bytes: Uint8Array): void;
  /** Close it, in whichever state; what is reported about it afterwards is ignored. */
  close(connection: number): void;
  /** This query will not be answered: `Transactions.refuse` it. */
  failed(transaction: Transaction, failure: DnsTcpFailure): void;
}

/** Every counter only grows. */
export class DnsTcpFigures {
  asked = 0;
  askedAgain = 0;
  opened = 0;
  /** Connections that could not be opened. */
  unreachable = 0;
  /** Connections that ended with queries unanswered. */
  cutOff = 0;
  /** Connections given up because the server went silent, or sent what nobody asked for. */
  stalled = 0;
  strayed = 0;
  failedUnreachable = 0;
  failedClosed = 0;
  failedBusy = 0;
}

export class DnsTcpPool {
  readonly figures = new DnsTcpFigures();
  readonly #settings: Readonly<DnsTcpSettings>;
  readonly #listener: DnsTcpListener;
  readonly #connections = new Map<number, TcpConnection>();
  readonly #upstreams = new Map<string, Upstream>();
  #lastId = 0;

  constructor(listener: DnsTcpListener, settings: Partial<DnsTcpSettings> = {}) {
    this.#settings = { ...DEFAULT_DNS_TCP_SETTINGS, ...settings };
    const { servers, connections } = this.#settings;
    if (servers <= connections) {
      throw new RangeError(`Cannot serve ${connections} connections with ${servers} servers`);
    }
    this.#listener = listener;
  }

  get connections(): number {
    return this.#connections.size;
  }

  /** Queries that wait for a connection with room. */
  get waiting(): number {
    let waiting = 0;
    for (const upstream of this.#upstreams.values()) waiting += upstream.queue.length;
    return waiting;
  }

  /** Carries a query to its server. One that is under way already (a retransmission) stays as it is. */
  ask(transaction: Transaction, now: number): void {
    if (transaction.asks > 0 || transaction.done) return;
    transaction.asks = 1;
    this.figures.asked++;
    const upstream = this.#upstreamOf(transaction.server);
    if (upstream.queue.length >= this.#settings.queue) upstream.prune();
    if (upstream.queue.length >= this.#settings.queue) {
      this.#fail([transaction], "Busy");
      return;
    }
    upstream.queue.push(transaction);
    this.#pump(upstream, now);
  }

  /** Event: the connection stands. */
  opened(id: number, now: number): void {
    const connection = this.#connections.get(id);
    if (connection === undefined || connection.state !== "Opening") return;
    connection.opened(now);
    this.figures.opened++;
    this.#pump(this.#upstreamOf(connection.server), now);
  }

  /** Event: bytes from the server. They may be changed in place during the call. */
  data(id: number, bytes: Uint8Array, at: number, end: number, now: number): void {
    const connection = this.#connections.get(id);
    if (connection === undefined || connection.state !== "Open") return;
    connection.receive(bytes, at, end, now);
    if (!this.#connections.has(id)) return;
    // As many late answers as it was asked queries a server may owe; beyond that it is babbling.
    if (connection.strays > this.#settings.pipeline) {
      this.figures.strayed++;
      this.#giveUp(connection, now);
    } else this.#pump(this.#upstreamOf(connection.server), now);
  }

  /** Event: it could not be opened, or is closed (the server's end of stream counts as that). */
  ended(id: number, now: number): void {
    const connection = this.#connections.get(id);
    if (connection !== undefined) this.#end(connection, now);
  }

  /** What time has brought about. Call it after `Transactions.expire` of the same `now`. */
  expire(now: number): void {
    if (this.#upstreams.size === 0) return;
    this.#expireConnections(now);
    for (const upstream of [...this.#upstreams.values()]) {
      upstream.prune();
      this.#pump(upstream, now);
    }
    // Looking for room may have shown that a connection's queries are all done, and it has long been idle.
    this.#expireConnections(now);
  }

  /** When `expire` has something to do next, or Infinity. It looks at all connections: a few dozen. */
  nextDeadline(): number {
    let earliest = Infinity;
    // Asked after every batch of packets, and an iterator is not free.
    if (this.#connections.size === 0) return earliest;
    for (const connection of this.#connections.values()) {
      earliest = Math.min(earliest, this.#deadline(connection));
    }
    return earliest;
  }

  /** Closes every connection and fails every query. */
  shutdown(): void {
    const connections = [...this.#connections.values()];
    const left = [...this.#upstreams.values()].flatMap((upstream) => upstream.takeAll());
    this.#connections.clear();
    this.#upstreams.clear();
    for (const connection of connections) left.push(...connection.end());
    for (const connection of connections) this.#listener.close(connection.id);
    this.#fail(left, "Closed");
  }

  #pump(upstream: Upstream, now: number): void {
    const spent = upstream.spent(now);
    if (spent !== undefined) return this.#giveUp(spent, now); // which comes back here
    for (;;) {
      const connection = upstream.roomiest(this.#settings.pipeline, now);
      if (connection === undefined) break;
      const transaction = upstream.next();
      if (transaction === undefined) break;
      this.#listener.write(connection.id, connection.send(transaction, now));
    }
    const { pipeline, connectionsPerServer } = this.#settings;
    while (upstream.wantsConnection(pipeline, connectionsPerServer, now)) {
      if (!this.#makeRoom(now)) {
        if (upstream.connections.length === 0) this.#fail(upstream.takeAll(), "Busy");
        return;
      }
      this.#open(upstream, now);
    }
  }

  #open(upstream: Upstream, now: number): void {
    const connection = new TcpConnection(++this.#lastId, upstream.server, this.#listener, now);
    this.#connections.set(connection.id, connection);
    upstream.connections.push(connection);
    this.#listener.open(connection.id, upstream.server);
  }

  /** False when all connections are in use; an idle one gives way. */
  #makeRoom(now: number): boolean {
    if (this.#connections.size < this.#settings.connections) return true;
    let idlest: TcpConnection | undefined;
    for (const connection of this.#connections.values()) {
      connection.prune();
      if (connection.state !== "Open" || connection.unanswered > 0) continue;
      if (idlest === undefined || connection.lastUse < idlest.lastUse) {
        idlest = connection;
      }
    }
    if (idlest === undefined) return false;
    this.#giveUp(idlest, now);
    return this.#connections.size < this.#settings.connections;
  }

  #deadline(connection: TcpConnection): number {
    const { connectTimeout, idle, stall } = this.#settings;
    if (connection.state === "Opening") return connection.openingSince + connectTimeout;
    if (connection.unanswered === 0) return connection.lastUse + idle;
    return connection.stallDeadline(stall);
  }

  #expireConnections(now: number): void {
    for (const connection of [...this.#connections.values()]) {
      if (connection.state === "Closed" || this.#deadline(connection) > now) continue;
      if (connection.unanswered > 0) this.figures.stalled++;
      this.#giveUp(connection, now);
    }
  }

  /** Our end of it. */
  #giveUp(connection: TcpConnection, now: number): void {
    this.#forget(connection);
    this.#listener.close(connection.id);
    this.#settle(connection, now);
  }

  /** The other end of it. */
  #end(connection: TcpConnection, now: number): void {
    this.#forget(connection);
    this.#settle(connection, now);
  }

  #forget(connection: TcpConnection): void {
    this.#connections.delete(connection.id);
    this.#upstreamOf(connection.server).remove(connection);
  }

  /** What becomes of the queries of a connection that is no more. */
  #settle(connection: TcpConnection, now: number): void {
    const upstream = this.#upstreamOf(connection.server);
    if (connection.state === "Opening") {
      connection.end();
      this.figures.unreachable++;
      this.#fail(upstream.takeShare(this.#settings.pipeline, now), "Unreachable");
    } else {
      connection.prune();
      upstream.learnLimit(connection.provenLimit, now);
      this.#askAgain(upstream, connection.end());
    }
    this.#pump(upstream, now);
  }

  #askAgain(upstream: Upstream, left: Transaction[]): void {
    if (left.length === 0) return;
    this.figures.cutOff++;
    const again = left.filter((transaction) => transaction.asks === 1);
    for (const transaction of again) transaction.asks = 2;
    this.figures.askedAgain += again.length;
    upstream.queue.unshift(...again);
    this.#fail(left.filter((transaction) => !again.includes(transaction)), "Closed");
  }

  #fail(transactions: Transaction[], failure: DnsTcpFailure): void {
    for (const transaction of transactions) {
      if (transaction.done) continue;
      this.figures[`failed${failure}`]++;
      this.#listener.failed(transaction, failure);
    }
  }

  #upstreamOf(server: string): Upstream {
    const known = this.#upstreams.get(server);
    if (known !== undefined) return known;
    if (this.#upstreams.size >= this.#settings.servers) this.#forgetUnusedUpstream();
    const upstream = new Upstream(server);
    this.#upstreams.set(server, upstream);
    return upstream;
  }

  /** There is one: each upstream in use has a connection, and there are more upstreams than those. */
  #forgetUnusedUpstream(): void {
    for (const upstream of this.#upstreams.values()) {
      if (upstream.connections.length > 0 || upstream.queue.length > 0) continue;
      this.#upstreams.delete(upstream.server);
      return;
    }
  }
}
