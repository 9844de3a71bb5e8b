/**
 * Large slots of the arena in the hands of the kernel, which takes one when there is something to read.
 *
 * What it has filled belongs to whoever the bytes are for; another slot takes its place, as long as
 * memory is left. So the group is bounded, and one flow cannot keep its buffers from the others.
 */

import { type Arena, LARGE_SLOT } from "../arena.ts";
import { BufferRing } from "../../ffi/uring_buffers_linux.ts";
import type { Ring } from "../../ffi/uring_linux.ts";

export class SlotGroup {
  readonly group: number;
  readonly #arena: Arena;
  readonly #buffers: BufferRing;
  /** Where each buffer lies. */
  readonly #slots: Int32Array;
  /** Numbers of buffers that have no slot. */
  readonly #empty: number[] = [];
  readonly #reserve: number;
  #provided = false;

  /** Leaves `reserve` slots of the arena alone. `count` is a power of two. */
  constructor(ring: Ring, group: number, count: number, arena: Arena, reserve: number) {
    this.group = group;
    this.#arena = arena;
    this.#reserve = reserve;
    this.#buffers = new BufferRing(ring, group, count);
    this.#slots = new Int32Array(count);
    for (let buffer = count - 1; buffer >= 0; buffer--) this.#empty.push(buffer);
    this.fill();
    this.commit();
  }

  /** True when the kernel would find no buffer. */
  get isEmpty(): boolean {
    return this.#empty.length === this.#slots.length;
  }

  /** What the kernel holds at this moment. */
  get bytesHeld(): number {
    return (this.#slots.length - this.#empty.length) * LARGE_SLOT;
  }

  at(buffer: number): number {
    return this.#slots[buffer]!;
  }

  /** The slot is the caller's from now on, reference and all. */
  take(buffer: number): number {
    this.#empty.push(buffer);
    return this.#slots[buffer]!;
  }

  /** Nobody has kept the bytes: the kernel may fill the slot again. */
  giveBack(buffer: number): void {
    this.#provide(buffer, this.#slots[buffer]!);
  }

  /** Gives slots to the buffers that have none, as far as there are any to spare. */
  fill(): void {
    while (this.#empty.length > 0 && this.#arena.freeLarge > this.#reserve) {
      this.#provide(this.#empty.pop()!, this.#arena.takeLarge());
    }
  }

  /** Shows the kernel what was given since the last time. */
  commit(): void {
    if (this.#provided) this.#buffers.commit();
    this.#provided = false;
  }

  /** Takes everything back; the kernel fills nothing any more. */
  close(): void {
    this.#buffers.close();
    const empty = new Set(this.#empty);
    this.#slots.forEach((at, buffer) => {
      if (!empty.has(buffer)) this.#arena.release(at);
    });
  }

  #provide(buffer: number, at: number): void {
    this.#slots[buffer] = at;
    this.#buffers.provide(buffer, at, LARGE_SLOT);
    this.#provided = true;
  }
}
