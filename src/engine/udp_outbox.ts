/**
 * Datagrams of one batch on their way to one association's relay: copied behind one another, so that the
 * kernel takes those of one size as one message. A copy costs a twentieth of a message of its own.
 */

import { type Arena, LARGE_SLOT } from "../arena.ts";
import type { Counters } from "../counters.ts";
import { Errno } from "../../ffi/libc.ts";
import type { SendFailures, UdpSender } from "../../ffi/udp_sender_linux.ts";
import type { UdpSocket } from "../../ffi/udp_socket_linux.ts";
import { newUdpHeader, readUdpHeader } from "../wire/socks5.ts";
import { type EngineContext, RESERVED_SLOTS } from "./context.ts";

/** Longer ones go by themselves, from where they lie. */
const LONGEST_COPY = 4_096;
/** As many as one message may have. */
const MOST = 64;

export class UdpOutbox implements SendFailures {
  /** The relay's host says that nobody listens there. */
  refused = false;
  readonly #arena: Arena;
  readonly #counters: Counters;
  readonly #sender: UdpSender;
  readonly #socket: UdpSocket;
  /** Where each datagram ends; the first begins at the slot. */
  readonly #ends = new Array<number>(MOST).fill(0);
  readonly #header = newUdpHeader();
  #count = 0;
  #slot = -1;

  constructor({ arena, counters, io }: EngineContext, socket: UdpSocket) {
    this.#arena = arena;
    this.#counters = counters;
    this.#sender = io.udp.sender;
    this.#socket = socket;
  }

  get isEmpty(): boolean {
    return this.#count === 0;
  }

  /** Takes a copy of the datagram in `[at, end)`; false when it must go by itself. */
  push(at: number, end: number): boolean {
    const length = end - at;
    if (length > LONGEST_COPY) return false;
    if (this.#count === MOST || this.#tail + length > this.#slot + LARGE_SLOT) this.flush();
    if (this.#slot < 0 && !this.#takeSlot()) return false;
    const tail = this.#tail;
    this.#arena.bytes.copyWithin(tail, at, end);
    this.#ends[this.#count++] = tail + length;
    return true;
  }

  /** Sends what there is. What cannot be sent is lost, and counted. */
  flush(): void {
    if (this.#slot < 0) return;
    this.#sender.begin(this.#socket, this);
    let at = this.#slot;
    for (let i = 0; i < this.#count; i++) {
      const end = this.#ends[i]!;
      this.#sender.add(at, end);
      at = end;
    }
    this.#sender.send();
    this.clear();
  }

  clear(): void {
    if (this.#slot >= 0) this.#arena.release(this.#slot);
    this.#slot = -1;
    this.#count = 0;
  }

  sendFailed(at: number, end: number, error: number): void {
    this.#counters.udpSendDropped++;
    // It was counted when it was taken.
    readUdpHeader(this.#arena.bytes, at, end, this.#header);
    this.#counters.proxyBytesUp -= end - this.#header.payloadAt;
    if (error === Errno.ECONNREFUSED) this.refused = true;
  }

  get #tail(): number {
    return this.#count === 0 ? this.#slot : this.#ends[this.#count - 1]!;
  }

  #takeSlot(): boolean {
    if (this.#arena.freeLarge <= RESERVED_SLOTS) return false;
    this.#slot = this.#arena.takeLarge();
    return true;
  }
}
