/**
 * Writes to stream sockets that would otherwise wait: `sendmsg` with a flag instead of a descriptor that
 * never waits, because io_uring gives up at once on such a descriptor. See `man 2 sendmsg`.
 */

import { errno, libc } from "./libc.ts";
import type { Memory } from "./memory.ts";

const MSG_DONTWAIT_NOSIGNAL = 0x40 | 0x4000;

/** `struct msghdr` with one `struct iovec` behind it, in words. */
const VECTOR_POINTER = 4;
const VECTOR_COUNT = 6;
const VECTOR = 14;
const VECTOR_LENGTH = VECTOR + 2;
export const STREAM_SENDER_SIZE = 4 * (VECTOR + 4);

export class StreamSender {
  readonly #memory: Memory;
  readonly #words: Uint32Array;
  readonly #message: Uint8Array<ArrayBuffer>;

  /** `at` is a place of `STREAM_SENDER_SIZE` bytes in `memory`, aligned to 8. */
  constructor(memory: Memory, at: number) {
    this.#memory = memory;
    this.#words = new Uint32Array(memory.bytes.buffer, at, VECTOR + 4);
    this.#message = memory.bytes.subarray(at, at + STREAM_SENDER_SIZE);
    memory.writeAddress(this.#words, VECTOR_POINTER, at + 4 * VECTOR);
    this.#words[VECTOR_COUNT] = 1;
  }

  /** Writes what is taken of `[at, end)` without waiting: how many bytes, or `-errno`. */
  send(fd: number, at: number, end: number): number {
    this.#memory.writeAddress(this.#words, VECTOR, at);
    this.#words[VECTOR_LENGTH] = end - at;
    const taken = Number(libc().sendmsg(fd, this.#message, MSG_DONTWAIT_NOSIGNAL));
    return taken < 0 ? -errno() : taken;
  }
}
