/**
 * Whole messages on their way to a socket, one after the other, as it takes them: a handshake's, a DNS
 * query's. They are few and short; a flow's bytes go by `tcp_upload.ts`.
 */

import { type Arena, SMALL_SLOT } from "../arena.ts";
import type { ProxySocket } from "./driver.ts";

export class MessageWriter {
  readonly #arena: Arena;
  readonly #socket: ProxySocket;
  readonly #messages: Uint8Array[] = [];
  /** Of the first message, what has been copied already. */
  #copied = 0;
  /** What the socket has not taken yet, in a slot; -1 when there is nothing. */
  #slot = -1;
  #at = 0;
  #end = 0;

  constructor(arena: Arena, socket: ProxySocket) {
    this.#arena = arena;
    this.#socket = socket;
  }

  /** Whether the socket has taken everything. */
  get isIdle(): boolean {
    return this.#slot < 0;
  }

  /** Writes `bytes`, which must not be changed any more. False when there is no memory: that ends it. */
  write(bytes: Uint8Array): boolean {
    this.#messages.push(bytes);
    return this.#slot >= 0 || this.#pump();
  }

  /** The socket has taken `length` bytes of what it had not taken at once. As `write`. */
  sent(length: number): boolean {
    this.#at += length;
    return this.#flush() ? this.#pump() : true;
  }

  /** What has not gone never goes. */
  clear(): void {
    this.#messages.length = 0;
    this.#copied = 0;
    this.#releaseSlot();
  }

  #pump(): boolean {
    while (this.#messages.length > 0) {
      this.#slot = this.#arena.takeSmall();
      if (this.#slot < 0) return false;
      this.#fill();
      if (!this.#flush()) return true;
    }
    return true;
  }

  #fill(): void {
    const message = this.#messages[0]!;
    const until = Math.min(message.length, this.#copied + SMALL_SLOT);
    const isWhole = until - this.#copied === message.length;
    // A view of a short message costs more than all the rest of it: V8 has to move the bytes first.
    const part = isWhole ? message : message.subarray(this.#copied, until);
    this.#arena.bytes.set(part, this.#slot);
    this.#at = this.#slot;
    this.#end = this.#slot + until - this.#copied;
    this.#copied = until;
    if (until < message.length) return;
    this.#messages.shift();
    this.#copied = 0;
  }

  /** Whether the slot has been taken whole. */
  #flush(): boolean {
    if (this.#at < this.#end) this.#at += this.#socket.send(this.#at, this.#end);
    if (this.#at < this.#end) return false;
    this.#releaseSlot();
    return true;
  }

  #releaseSlot(): void {
    if (this.#slot >= 0) this.#arena.release(this.#slot);
    this.#slot = -1;
    this.#at = this.#end = 0;
  }
}
