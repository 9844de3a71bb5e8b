/**
 * Bytes from the local host on their way to the proxy's socket.
 *
 * A super-segment stays in the slot that it was read into. A small segment is copied behind the one
 * before: that costs less than a write of its own, and does not pin 64 KiB for a few bytes.
 */

import { type Arena, SMALL_SLOT } from "../arena.ts";
import { SendQueue } from "../stack/tcp/send_queue.ts";
import { RESERVED_SLOTS } from "./context.ts";

/** Payloads up to this are copied, and wait for the end of the batch. */
export const SMALL_PAYLOAD = 4_096;

export class UploadQueue {
  readonly #arena: Arena;
  readonly #queue: SendQueue;
  /** Where the next copy goes, and how far its slot reaches; equal when there is no open slot. */
  #tailAt = 0;
  #tailEnd = 0;
  firstAt = 0;
  firstEnd = 0;

  constructor(arena: Arena) {
    this.#arena = arena;
    this.#queue = new SendQueue(arena);
  }

  get bytes(): number {
    return this.#queue.bytes;
  }

  /** Takes `[at, end)`; false when there is no memory for it. */
  push(at: number, end: number): boolean {
    return end - at <= SMALL_PAYLOAD ? this.#copy(at, end) : this.#retain(at, end);
  }

  /** Sets `firstAt` and `firstEnd` to the bytes to write next; more may be added behind them. */
  locateFirst(): void {
    this.#queue.locate(0);
    this.firstAt = this.#queue.foundAt;
    this.firstEnd = this.#queue.foundEnd;
  }

  /** The first `length` bytes are written. */
  drop(length: number): void {
    this.#queue.acknowledge(length);
    // The open slot is released with its last byte: nothing may be copied behind it then.
    if (this.#queue.bytes === 0) this.#tailEnd = this.#tailAt;
  }

  clear(): void {
    this.#queue.clear();
    this.#tailEnd = this.#tailAt;
  }

  #copy(at: number, end: number): boolean {
    const length = end - at;
    if (this.#tailEnd - this.#tailAt >= length) {
      this.#arena.bytes.copyWithin(this.#tailAt, at, end);
      this.#queue.extend(length);
      this.#tailAt += length;
      return true;
    }
    if (this.#queue.isFull) return false;
    const slot = this.#newSlot(length);
    if (slot < 0) return this.#retain(at, end);
    this.#arena.bytes.copyWithin(slot, at, end);
    this.#queue.push(slot, slot + length);
    this.#tailAt = slot + length;
    this.#tailEnd = slot + this.#arena.slotSize(slot);
    return true;
  }

  /** A small slot for a lone message; a large one once messages queue up. */
  #newSlot(length: number): number {
    const arena = this.#arena;
    if (this.#queue.bytes === 0 && length <= SMALL_SLOT) {
      const small = arena.takeSmall();
      if (small >= 0) return small;
    }
    return arena.freeLarge > RESERVED_SLOTS ? arena.takeLarge() : -1;
  }

  #retain(at: number, end: number): boolean {
    if (this.#queue.isFull || this.#arena.freeLarge <= RESERVED_SLOTS) return false;
    this.#arena.retain(at);
    this.#queue.push(at, end);
    this.#tailEnd = this.#tailAt;
    return true;
  }
}
