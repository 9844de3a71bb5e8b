/**
 * Cuts a TCP byte stream into DNS messages (RFC 1035 section 4.2.2: two bytes of length, the message).
 *
 * A message that lies whole in what was received is handed on where it lies. Only one that arrives in
 * pieces is put together in a buffer, of the length that it announced: 65 535 bytes at most.
 */

import { get8 } from "../bytes.ts";
import { MAX_MESSAGE } from "../wire/dns.ts";

export interface MessageSink {
  /**
   * One whole message. The bytes are the caller's again afterwards; until then they may be changed
   * in place, between `at` and `end`.
   */
  message(bytes: Uint8Array, at: number, end: number): void;
}

const NO_BYTES = new Uint8Array(0);

export class MessageReader {
  readonly #sink: MessageSink;
  /** The first length byte, when a piece ended after it; else -1. */
  #highByte = -1;
  /** Length of the message being put together; 0 between messages. */
  #length = 0;
  #filled = 0;
  #buffer = NO_BYTES;
  #stopped = false;

  constructor(sink: MessageSink) {
    this.#sink = sink;
  }

  /** Bytes that are held for the rest of a message. */
  get buffered(): number {
    return this.#filled;
  }

  /** Takes the next piece of the stream. Messages of no length mean nothing and are passed over. */
  receive(bytes: Uint8Array, at: number, end: number): void {
    while (at < end && !this.#stopped) {
      if (this.#length > 0) at = this.#fill(bytes, at, end);
      else if (this.#highByte < 0) {
        this.#highByte = get8(bytes, at++);
      } else {
        const length = (this.#highByte << 8) | get8(bytes, at++);
        this.#highByte = -1;
        at = this.#start(length, bytes, at, end);
      }
    }
  }

  /** No message more, not even those already received: the connection is given up. */
  stop(): void {
    this.#stopped = true;
    this.#buffer = NO_BYTES;
    this.#length = 0;
    this.#filled = 0;
  }

  /** Returns where the stream goes on. */
  #start(length: number, bytes: Uint8Array, at: number, end: number): number {
    if (length === 0) return at;
    if (end - at >= length) {
      this.#sink.message(bytes, at, at + length);
      return at + length;
    }
    if (this.#buffer.length < length) this.#buffer = new Uint8Array(bufferSize(length));
    this.#length = length;
    this.#filled = 0;
    return at;
  }

  #fill(bytes: Uint8Array, at: number, end: number): number {
    const taken = Math.min(end - at, this.#length - this.#filled);
    this.#buffer.set(bytes.subarray(at, at + taken), this.#filled);
    this.#filled += taken;
    if (this.#filled === this.#length) {
      const length = this.#length;
      this.#length = 0;
      this.#filled = 0;
      this.#sink.message(this.#buffer, 0, length);
    }
    return at + taken;
  }
}

/** Powers of two, so that a connection that sees longer and longer messages allocates a few times only. */
function bufferSize(length: number): number {
  return Math.min(MAX_MESSAGE, Math.max(1024, 2 ** Math.ceil(Math.log2(length))));
}
