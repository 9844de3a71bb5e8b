/**
 * One query on its way: who asked, what exactly, and under which ID it travels.
 *
 * The query is copied once, already framed for TCP (RFC 1035 section 4.2.2), because it outlives the
 * packet it came in: a connection that closes early means asking again.
 */

import { set16 } from "../bytes.ts";
import { truncate, writeError } from "../wire/dns_answer.ts";
import { readId, writeId } from "../wire/dns.ts";
import { readUdpPayloadSize } from "../wire/dns_records.ts";

export class Transaction {
  /** The ID upstream; no other query in flight has it. */
  readonly id: number;
  /** The ID that the client knows. */
  readonly originalId: number;
  readonly client: number;
  readonly server: string;
  /** What a TCP connection is to write: two bytes of length, then `query`. */
  readonly framed: Uint8Array;
  /** The query, under the upstream ID; a view of `framed`. */
  readonly query: Uint8Array;
  /** The longest answer that the client takes over UDP. */
  readonly payloadSize: number;
  readonly begunAt: number;
  deadline: number;
  retransmissions = 0;
  /** Answered, refused, timed out or pushed out: nobody waits for it any more. */
  done = false;

  /** Kept by `DnsTcpPool`: how often it was put into a queue, and when it was last written. */
  asks = 0;
  askedAt = 0;

  /** Kept by `Transactions`: its place in the index of retransmissions. */
  readonly hash: number;
  nextSameHash: Transaction | undefined = undefined;

  constructor(
    bytes: Uint8Array,
    at: number,
    end: number,
    id: number,
    client: number,
    server: string,
    hash: number,
    now: number,
    timeout: number,
  ) {
    this.id = id;
    this.originalId = readId(bytes, at);
    this.client = client;
    this.server = server;
    this.framed = new Uint8Array(2 + end - at);
    set16(this.framed, 0, end - at);
    this.framed.set(bytes.subarray(at, end), 2);
    this.query = this.framed.subarray(2);
    writeId(this.query, 0, id);
    this.payloadSize = readUdpPayloadSize(bytes, at, end);
    this.begunAt = now;
    this.deadline = now + timeout;
    this.hash = hash;
  }

  /**
   * Makes a matched answer the client's, in place: its own ID, cut to what it takes over UDP (then it
   * asks again over TCP, which the tunnel carries like any flow). Returns the new end.
   */
  restore(bytes: Uint8Array, at: number, end: number): number {
    writeId(bytes, at, this.originalId);
    return truncate(bytes, at, end, this.payloadSize);
  }

  /** Writes an error answer for the client at `at`; returns its end. Needs `MAX_ERROR_LENGTH` bytes. */
  writeError(bytes: Uint8Array, at: number, rcode: number, extendedError: number): number {
    const { query } = this;
    const end = writeError(query, 0, query.length, rcode, extendedError, bytes, at);
    writeId(bytes, at, this.originalId);
    return end;
  }
}
