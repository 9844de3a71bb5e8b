/**
 * Receives many datagrams per system call: `recvmmsg`, and in each message as many datagrams of one sender
 * as the kernel has put together (UDP_GRO).
 *
 * After `receive`, message `i` lies in `[at(i), end(i))`, in datagrams of `segment(i)` bytes, of which the
 * last may be shorter.
 */

import { errno, libc } from "./libc.ts";
import type { Memory } from "./memory.ts";
import { MessageBatch } from "./message_batch_linux.ts";
import { SOL_UDP, UDP_GRO } from "./udp_socket_linux.ts";

const MSG_DONTWAIT = 0x40;
/** `struct sockaddr_in6`. */
const NAME_ROOM = 28;

export class UdpReceiver {
  /** Messages per call; each may be 64 datagrams, or 64 KiB. */
  static readonly size = 16;
  /** Where the senders' addresses lie (`nameAt`). */
  readonly names: Uint8Array;
  readonly #memory: Memory;
  readonly #batch = new MessageBatch(UdpReceiver.size);
  readonly #places = new Array<number>(UdpReceiver.size).fill(0);

  constructor(memory: Memory) {
    this.#memory = memory;
    this.names = this.#batch.bytes;
  }

  /** Message `index` will go to `at` of the memory. */
  place(index: number, at: number): void {
    this.#places[index] = at;
  }

  /**
   * Receives up to `count` messages into their places, each `room` long: how many, or `-errno`. An error of
   * the other end (port unreachable) is reported here once.
   */
  receive(fd: number, count: number, room: number): number {
    const batch = this.#batch;
    for (let index = 0; index < count; index++) {
      batch.setVector(index, this.#memory, this.#places[index]!, room);
      batch.prepareToReceive(index, NAME_ROOM);
    }
    const received = libc().recvmmsg(fd, batch.bytes, count, MSG_DONTWAIT, null);
    return received < 0 ? -errno() : received;
  }

  at(index: number): number {
    return this.#places[index]!;
  }

  end(index: number): number {
    return this.#places[index]! + this.#batch.length(index);
  }

  segment(index: number): number {
    return this.#batch.control(index, SOL_UDP, UDP_GRO) || this.#batch.length(index);
  }

  /** Where in `names` the `struct sockaddr` of the message's sender lies. */
  nameAt(index: number): number {
    return this.#batch.nameAt(index);
  }

  free(): void {
    this.#batch.free();
  }
}
