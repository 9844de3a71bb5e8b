/**
 * Buffers that the kernel takes one from when there is something to read: a group, provided through a
 * queue of its own.
 *
 * A buffer is a range of the packet memory under a number from 0 to `entries - 1`. Whoever provides it
 * does so again, there or elsewhere, only after a completion has said that it was used. So the queue
 * cannot overflow, and nothing is checked here.
 */

import { Memory } from "./memory.ts";
import {
  BufferEntry,
  BufferRegistration,
  REGISTER_BUFFER_RING,
  UNREGISTER_BUFFER_RING,
} from "./uring_abi_linux.ts";
import type { Ring } from "./uring_linux.ts";

export class BufferRing {
  readonly group: number;
  readonly #ring: Ring;
  readonly #entries: Memory;
  readonly #words: Uint32Array;
  readonly #halves: Uint16Array;
  readonly #mask: number;
  readonly #registration = new Uint32Array(32);
  #tail = 0;

  /** `entries` is a power of two, up to 32 768. Throws a `SysError` when the kernel refuses. */
  constructor(ring: Ring, group: number, entries: number) {
    this.group = group;
    this.#ring = ring;
    this.#entries = new Memory(entries * BufferEntry.Size);
    this.#words = new Uint32Array(this.#entries.bytes.buffer);
    this.#halves = new Uint16Array(this.#entries.bytes.buffer);
    this.#mask = entries - 1;
    this.#entries.writeAddress(this.#registration, BufferRegistration.Address, 0);
    this.#registration[BufferRegistration.Entries] = entries;
    this.#registration[BufferRegistration.Group] = group;
    try {
      this.#register(REGISTER_BUFFER_RING);
    } catch (error) {
      this.#entries.free();
      throw error;
    }
  }

  /** Makes `length` bytes at `at` a buffer that may be used from the next `commit` on. */
  provide(buffer: number, at: number, length: number): void {
    const entry = this.#tail & this.#mask;
    const word = entry * BufferEntry.Words;
    this.#ring.memory.writeAddress(this.#words, word + BufferEntry.Address, at);
    this.#words[word + BufferEntry.Length] = length;
    // Only this half: beside the number of the first entry lies the tail of the queue.
    this.#halves[entry * BufferEntry.Halves + BufferEntry.NumberHalf] = buffer;
    this.#tail = (this.#tail + 1) & 0xffff;
  }

  /** Shows the kernel what was provided. */
  commit(): void {
    Atomics.store(this.#halves, BufferEntry.TailHalf, this.#tail);
  }

  /** Takes back all buffers that are not in use; before the ring is closed. */
  close(): void {
    this.#register(UNREGISTER_BUFFER_RING);
    this.#entries.free();
  }

  #register(operation: number): void {
    this.#ring.register(operation, new Uint8Array(this.#registration.buffer), 1);
  }
}
