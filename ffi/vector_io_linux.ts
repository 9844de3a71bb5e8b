/**
 * Reads and writes that never wait, from and to one block of memory: `readv` and `writev` with a single
 * vector that every call fills anew. No view is made and nothing is allocated per call.
 */

import { errno, libc } from "./libc.ts";
import type { Memory } from "./memory.ts";
import { UdpIo } from "./udp_io_linux.ts";

/** `struct iovec`: an address and a length, 8 bytes each. */
export const VECTOR_SIZE = 16;

export class VectorIo {
  readonly #memory: Memory;
  readonly #words: Uint32Array;
  readonly #vector: Uint8Array<ArrayBuffer>;
  #udp: UdpIo | undefined;

  /** `vectorAt` is a place of `VECTOR_SIZE` bytes in `memory`, aligned to 8. */
  constructor(memory: Memory, vectorAt: number) {
    this.#memory = memory;
    this.#words = new Uint32Array(memory.bytes.buffer, vectorAt, 4);
    this.#vector = memory.bytes.subarray(vectorAt, vectorAt + VECTOR_SIZE);
  }

  /** Datagrams from and to the same memory, many per call; made when it is first needed. */
  get udp(): UdpIo {
    return this.#udp ??= new UdpIo(this.#memory);
  }

  /** Reads up to `room` bytes to `at`: how many, 0 at the end of a stream, or `-errno`. */
  read(fd: number, at: number, room: number): number {
    this.#set(at, room);
    const length = libc().readv(fd, this.#vector, 1);
    return length < 0 ? -errno() : length;
  }

  /** Writes `[at, end)`: how many bytes were taken, or `-errno`. */
  write(fd: number, at: number, end: number): number {
    this.#set(at, end - at);
    const length = libc().writev(fd, this.#vector, 1);
    return length < 0 ? -errno() : length;
  }

  #set(at: number, length: number): void {
    this.#memory.writeAddress(this.#words, 0, at);
    this.#words[2] = length;
  }
}
