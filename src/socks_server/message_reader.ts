/**
 * Whole messages out of a connection that gives bytes in any pieces, for the handshake.
 *
 * It reads ahead: a client may send its next message, or its payload, without waiting. What was read and
 * not asked for is `rest()`.
 */

import { MORE, RUBBISH } from "../wire/socks5.ts";

/** Longer than any message of the handshake (a password request has 513 bytes). */
const CAPACITY = 1024;

export interface Source {
  read(into: Uint8Array): Promise<number | null>;
}

type MessageLength = (bytes: Uint8Array, at: number, end: number) => number;

export class MessageReader {
  readonly bytes: Uint8Array<ArrayBuffer> = new Uint8Array(CAPACITY);
  readonly #source: Source;
  #at = 0;
  #end = 0;

  constructor(source: Source) {
    this.#source = source;
  }

  /**
   * Puts the next message at the beginning of `bytes`, where it stays until the next call. False when the
   * client sent something else, or closed.
   */
  async next(lengthOf: MessageLength): Promise<boolean> {
    this.bytes.copyWithin(0, this.#at, this.#end);
    this.#end -= this.#at;
    this.#at = 0;
    for (;;) {
      const length = lengthOf(this.bytes, 0, this.#end);
      if (length === RUBBISH) return false;
      if (length !== MORE) {
        this.#at = length;
        return true;
      }
      const read = await this.#source.read(this.bytes.subarray(this.#end));
      if (read === null) return false;
      this.#end += read;
    }
  }

  /** What came in so far of a message that was refused. */
  holds(predicate: (bytes: Uint8Array, at: number, end: number) => boolean): boolean {
    return predicate(this.bytes, this.#at, this.#end);
  }

  /** What followed the last message in the same reads. */
  rest(): Uint8Array<ArrayBuffer> {
    return this.bytes.subarray(this.#at, this.#end);
  }
}
