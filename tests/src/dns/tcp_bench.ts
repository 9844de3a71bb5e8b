/** A `DnsTcpPool` with a table of transactions, and a listener that writes down what it is told. */

import { get16 } from "../../../src/bytes.ts";
import {
  type DnsTcpFailure,
  type DnsTcpListener,
  DnsTcpPool,
  type DnsTcpSettings,
} from "../../../src/dns/tcp_pool.ts";
import type { Transaction } from "../../../src/dns/transaction.ts";
import { Transactions } from "../../../src/dns/transactions.ts";
import { MAX_ERROR_LENGTH } from "../../../src/wire/dns_answer.ts";
import { answerTo, framed, queryOf, random16 } from "./fixtures.ts";

export const SERVER = "192.0.2.53:53";

export class TcpBench implements DnsTcpListener {
  readonly table: Transactions;
  readonly pool: DnsTcpPool;
  now = 0;
  /** Connections opened and not closed, by either side, with the queries written to each. */
  readonly connections = new Map<number, { server: string; written: Uint8Array[] }>();
  readonly closed: number[] = [];
  readonly answered: Transaction[] = [];
  readonly timedOut: Transaction[] = [];
  readonly failures: { transaction: Transaction; failure: DnsTcpFailure }[] = [];
  /** What the engine does from within `open`, for those tests that want it to. */
  onOpen: (id: number) => void = () => {};
  onWrite: (id: number) => void = () => {};
  #nextName = 0;

  constructor(settings: Partial<DnsTcpSettings> = {}) {
    this.table = new Transactions(random16());
    this.pool = new DnsTcpPool(this, settings);
  }

  open(id: number, server: string): void {
    this.connections.set(id, { server, written: [] });
    this.onOpen(id);
  }

  write(id: number, bytes: Uint8Array): void {
    const connection = this.connections.get(id);
    if (connection === undefined) throw new Error(`write on ${id}, which is closed`);
    if (get16(bytes, 0) !== bytes.length - 2) throw new Error("wrong length in front");
    connection.written.push(bytes.slice(2));
    this.onWrite(id);
  }

  close(id: number): void {
    if (!this.connections.delete(id)) throw new Error(`close on ${id}, which is closed`);
    this.closed.push(id);
  }

  answer(server: string, bytes: Uint8Array, at: number, end: number): void {
    const transaction = this.table.match(bytes, at, end, server, this.now);
    if (transaction === undefined) return;
    transaction.restore(bytes, at, end);
    this.answered.push(transaction);
  }

  failed(transaction: Transaction, failure: DnsTcpFailure): void {
    const end = this.table.refuse(transaction, new Uint8Array(MAX_ERROR_LENGTH), 0);
    if (end <= 0) throw new Error("refused twice");
    this.failures.push({ transaction, failure });
  }

  /** A client's query, with a name that no other has. */
  ask(server = SERVER): Transaction {
    const query = queryOf(1, `n${this.#nextName++}`);
    const transaction = this.table.begin(query, 0, query.length, 1, server, this.now);
    if (transaction === undefined) throw new Error("not taken");
    this.pool.ask(transaction, this.now);
    return transaction;
  }

  askMany(count: number, server = SERVER): Transaction[] {
    return Array.from({ length: count }, () => this.ask(server));
  }

  opened(...ids: number[]): void {
    for (const id of ids) this.pool.opened(id, this.now);
  }

  /** The other side, or the proxy, ends the connection. */
  end(id: number): void {
    this.connections.delete(id);
    this.pool.ended(id, this.now);
  }

  data(id: number, bytes: Uint8Array): void {
    this.pool.data(id, bytes, 0, bytes.length, this.now);
  }

  /** The server answers these, on this connection, in one piece. */
  reply(id: number, ...queries: Uint8Array[]): void {
    this.data(id, framed(...queries.map((query) => answerTo(query))));
  }

  written(id: number): Uint8Array[] {
    return this.connections.get(id)?.written ?? [];
  }

  /** Lets time pass, stopping at each deadline. */
  pass(milliseconds: number): void {
    const until = this.now + milliseconds;
    for (;;) {
      const next = Math.min(this.table.nextDeadline(), this.pool.nextDeadline());
      if (next > until) break;
      this.now = Math.max(this.now, next);
      this.table.expire(this.now, (transaction) => this.timedOut.push(transaction));
      this.pool.expire(this.now);
      const after = Math.min(this.table.nextDeadline(), this.pool.nextDeadline());
      if (after <= this.now) throw new Error(`the deadline ${after} stays, at ${this.now}`);
    }
    this.now = until;
  }
}
