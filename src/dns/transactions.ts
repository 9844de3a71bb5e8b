/**
 * The queries in flight: `begin` gives each an upstream ID of its own, `match` finds the one that an
 * answer belongs to, `expire` lets go of those that nobody answered.
 *
 * Many clients share one way upstream, so their 16-bit IDs would collide; the new ones are random, so
 * that an answer cannot be forged by guessing (RFC 5452 section 9). An answer must come from the server
 * that was asked, with that ID, to that question.
 *
 * Bounds: `max` queries of `maxQueryBytes` each. When the table is full, the query that was asked
 * longest ago goes: it is the one least likely to be answered still.
 */

import { get8, sameBytes } from "../bytes.ts";
import {
  check,
  isQuery,
  isResponse,
  isTruncated,
  questionEquals,
  Rcode,
  readId,
  readQuestionCount,
  readRcode,
} from "../wire/dns.ts";
import { EXTENDED_NETWORK_ERROR } from "../wire/dns_answer.ts";
import { Latency } from "./latency.ts";
import { Transaction } from "./transaction.ts";

export interface TransactionSettings {
  /** Queries in flight; at most half of all IDs, so that a free one is found quickly. */
  max: number;
  /** Milliseconds until a query without an answer is given up. */
  timeout: number;
  /** Longer queries are not carried; a real one has some 40 to 500 bytes. */
  maxQueryBytes: number;
}

export const DEFAULT_TRANSACTION_SETTINGS: Readonly<TransactionSettings> = {
  max: 4096,
  timeout: 10_000,
  maxQueryBytes: 4096,
};

const ID_COUNT = 0x1_0000;
const RANDOM_TRIES = 16;

/** Every counter only grows. `queries` counts transactions; the next three never became one. */
export class TransactionFigures {
  queries = 0;
  retransmitted = 0;
  malformed = 0;
  oversized = 0;
  answers = 0;
  /** Ended by an error of ours, because the way to the server failed. */
  refused = 0;
  timeouts = 0;
  /** Pushed out of a full table. */
  overflow = 0;
  /** No answer, or one under an ID that is not in flight: late, doubled, or invented. */
  unexpected = 0;
  /** Answers under an ID in flight, but from another server or to another question. */
  mismatched = 0;
  readonly latency = new Latency();
}

export class Transactions {
  readonly figures = new TransactionFigures();
  readonly #settings: Readonly<TransactionSettings>;
  readonly #random16: () => number;
  /** By upstream ID. Each has the same time to live, so insertion order is the order of deadlines. */
  readonly #inFlight = new Map<number, Transaction>();
  /** By hash of (client, server, query), chained; this is how a retransmission is known. */
  readonly #byHash = new Map<number, Transaction>();
  readonly #hashSeed: number;

  /** `random16` gives unpredictable integers from 0 to 65535. */
  constructor(random16: () => number, settings: Partial<TransactionSettings> = {}) {
    this.#settings = { ...DEFAULT_TRANSACTION_SETTINGS, ...settings };
    const { max } = this.#settings;
    if (max < 1 || max > ID_COUNT / 2) {
      throw new RangeError(
        `Cannot keep ${max} queries in flight: 1 to ${ID_COUNT / 2} are possible`,
      );
    }
    this.#random16 = random16;
    this.#hashSeed = (random16() << 16) ^ random16();
  }

  get inFlight(): number {
    return this.#inFlight.size;
  }

  /**
   * Takes a client's query; undefined (and counted) when it is none, or too long.
   *
   * `client` is whatever the caller finds the asker by, and `server` whatever it names a server by: both
   * are only compared. A `client` must not be given to somebody else while its queries are in flight.
   *
   * The same query again, byte for byte, is a retransmission: it gives the transaction that it already
   * has, with `retransmissions` above 0 and a new deadline. (A second try with, say, EDNS left out asks
   * for another answer, and is a transaction of its own.)
   */
  begin(
    bytes: Uint8Array,
    at: number,
    end: number,
    client: number,
    server: string,
    now: number,
  ): Transaction | undefined {
    const { max, timeout, maxQueryBytes } = this.#settings;
    if (!isQuery(bytes, at, end)) {
      this.figures.malformed++;
      return undefined;
    }
    if (end - at > maxQueryBytes) {
      this.figures.oversized++;
      return undefined;
    }
    const hash = hashOf(this.#hashSeed, bytes, at, end, client, server);
    const known = this.#find(hash, bytes, at, end, client, server);
    if (known !== undefined) return this.#again(known, now);

    if (this.#inFlight.size >= max) this.#dropOldest();
    const id = this.#freeId();
    const transaction = new Transaction(bytes, at, end, id, client, server, hash, now, timeout);
    transaction.nextSameHash = this.#byHash.get(hash);
    this.#byHash.set(hash, transaction);
    this.#inFlight.set(id, transaction);
    this.figures.queries++;
    return transaction;
  }

  /**
   * The transaction that this message from `server` answers, which then is done; or undefined, counted.
   * `Transaction.restore` makes the message the client's.
   */
  match(
    bytes: Uint8Array,
    at: number,
    end: number,
    server: string,
    now: number,
  ): Transaction | undefined {
    const isAnswer = check(bytes, at, end) > 0 && isResponse(bytes, at);
    const transaction = isAnswer ? this.#inFlight.get(readId(bytes, at)) : undefined;
    if (transaction === undefined) {
      this.figures.unexpected++;
      return undefined;
    }
    if (transaction.server !== server || !answers(bytes, at, end, transaction.query)) {
      this.figures.mismatched++;
      return undefined;
    }
    this.#remove(transaction);
    this.figures.answers++;
    this.figures.latency.add(now - transaction.begunAt);
    return transaction;
  }

  /**
   * Gives a transaction up because the way to its server failed, and writes SERVFAIL for the client at
   * `at` (`MAX_ERROR_LENGTH` bytes). Returns where that ends: `at` itself if it was done already.
   */
  refuse(transaction: Transaction, bytes: Uint8Array, at: number): number {
    if (transaction.done) return at;
    this.#remove(transaction);
    this.figures.refused++;
    return transaction.writeError(bytes, at, Rcode.ServFail, EXTENDED_NETWORK_ERROR);
  }

  /** Lets go of every transaction whose deadline has come. */
  expire(now: number, onTimeout: (transaction: Transaction) => void): void {
    for (const transaction of this.#inFlight.values()) {
      if (transaction.deadline > now) return;
      this.#remove(transaction);
      this.figures.timeouts++;
      onTimeout(transaction);
    }
  }

  /** When `expire` has something to do next; Infinity when nothing is in flight. */
  nextDeadline(): number {
    return this.#inFlight.size === 0 ? Infinity : this.#oldest()!.deadline;
  }

  #again(transaction: Transaction, now: number): Transaction {
    transaction.retransmissions++;
    transaction.deadline = now + this.#settings.timeout;
    this.#inFlight.delete(transaction.id);
    this.#inFlight.set(transaction.id, transaction);
    this.figures.retransmitted++;
    return transaction;
  }

  #dropOldest(): void {
    const oldest = this.#oldest();
    if (oldest === undefined) return;
    this.#remove(oldest);
    this.figures.overflow++;
  }

  #oldest(): Transaction | undefined {
    for (const transaction of this.#inFlight.values()) return transaction;
    return undefined;
  }

  /** At least half of all IDs are free, so sixteen tries fail once in 65 536 times, if the table is full. */
  #freeId(): number {
    let id = 0;
    for (let tries = 0; tries < RANDOM_TRIES; tries++) {
      id = this.#random16() % ID_COUNT;
      if (!this.#inFlight.has(id)) return id;
    }
    while (this.#inFlight.has(id)) id = (id + 1) % ID_COUNT;
    return id;
  }

  #find(
    hash: number,
    bytes: Uint8Array,
    at: number,
    end: number,
    client: number,
    server: string,
  ): Transaction | undefined {
    let transaction = this.#byHash.get(hash);
    while (transaction !== undefined) {
      if (
        transaction.client === client && transaction.server === server &&
        isSameQuery(transaction, bytes, at, end)
      ) return transaction;
      transaction = transaction.nextSameHash;
    }
    return undefined;
  }

  #remove(transaction: Transaction): void {
    transaction.done = true;
    this.#inFlight.delete(transaction.id);
    const { hash, nextSameHash } = transaction;
    transaction.nextSameHash = undefined;
    let before = this.#byHash.get(hash);
    if (before === transaction) {
      if (nextSameHash === undefined) this.#byHash.delete(hash);
      else this.#byHash.set(hash, nextSameHash);
      return;
    }
    while (before !== undefined && before.nextSameHash !== transaction) {
      before = before.nextSameHash;
    }
    if (before !== undefined) before.nextSameHash = nextSameHash;
  }
}

/**
 * True when the message answers the query. Some servers leave the question out of an error or of a
 * truncated answer; the ID and the server must do then, and a client loses nothing by hearing of it.
 */
function answers(bytes: Uint8Array, at: number, end: number, query: Uint8Array): boolean {
  if (readQuestionCount(bytes, at) > 0) {
    return questionEquals(bytes, at, end, query, 0, query.length);
  }
  switch (readRcode(bytes, at)) {
    case Rcode.FormErr:
    case Rcode.ServFail:
    case Rcode.NotImp:
    case Rcode.Refused:
      return true;
    default:
      return isTruncated(bytes, at);
  }
}

function isSameQuery(
  transaction: Transaction,
  bytes: Uint8Array,
  at: number,
  end: number,
): boolean {
  const { query } = transaction;
  return transaction.originalId === readId(bytes, at) && query.length === end - at &&
    sameBytes(query, 2, bytes, at + 2, query.length - 2);
}

/** FNV-1a. Seeded, so that chains differ from run to run; `max` bounds the longest. */
function hashOf(
  seed: number,
  bytes: Uint8Array,
  at: number,
  end: number,
  client: number,
  server: string,
): number {
  let hash = Math.imul(seed ^ client, 0x0100_0193);
  for (let i = 0; i < server.length; i++) {
    hash = Math.imul(hash ^ server.charCodeAt(i), 0x0100_0193);
  }
  for (let p = at; p < end; p++) hash = Math.imul(hash ^ get8(bytes, p), 0x0100_0193);
  return hash;
}
