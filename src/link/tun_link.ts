/**
 * A TUN device as a link: packets are read into slots and written from there by `readv` and `writev`.
 *
 * The memory of the arena has a tail of its own for headers and vectors, so that nothing is allocated
 * and no view is made per packet.
 */

import { Arena } from "../arena.ts";
import type { Counters } from "../counters.ts";
import { HEADER_ROOM } from "../packet_output.ts";
import { Errno, libc } from "../../ffi/libc.ts";
import type { Memory } from "../../ffi/memory.ts";
import type { TunDevice } from "../../ffi/types.ts";
import { VECTOR_SIZE, VectorIo } from "../../ffi/vector_io_linux.ts";
import type { Link } from "./link.ts";

/** A packet with its virtio header: 10 + 65 535 bytes, rounded up. */
const LARGEST_READ = 65_600;
/** Behind the slots: one header, then a vector to read with and two to write with, aligned to 8. */
export const TUN_LINK_TAIL = 128 + 3 * VECTOR_SIZE;

export class TunLink implements Link {
  readonly arena: Arena;
  readonly mtu: number;
  readonly vnet: boolean;
  readonly udpSegments: boolean;
  /** Set when the device is gone for good: the number of the error. */
  failure = 0;
  readonly #device: TunDevice;
  readonly #memory: Memory;
  readonly #counters: Counters;
  readonly #headerAt: number;
  readonly #reader: VectorIo;
  readonly #writeWords: Uint32Array;
  readonly #writeVector: Uint8Array<ArrayBuffer>;

  /** `tailAt` is where `TUN_LINK_TAIL` bytes of `memory` are the link's own, behind the arena's slots. */
  constructor(
    device: TunDevice,
    mtu: number,
    arena: Arena,
    memory: Memory,
    tailAt: number,
    counters: Counters,
  ) {
    if (HEADER_ROOM > 128 || tailAt % 8 !== 0) throw new RangeError("Cannot place the headers");
    this.arena = arena;
    this.mtu = mtu;
    this.vnet = device.vnet;
    this.udpSegments = device.offload.uso4 && device.offload.uso6;
    this.#device = device;
    this.#memory = memory;
    this.#counters = counters;
    this.#headerAt = tailAt;
    const { bytes } = memory;
    const writeAt = tailAt + 128 + VECTOR_SIZE;
    this.#reader = new VectorIo(memory, tailAt + 128);
    this.#writeWords = new Uint32Array(bytes.buffer, writeAt, 8);
    this.#writeVector = bytes.subarray(writeAt, writeAt + 2 * VECTOR_SIZE);
  }

  get fd(): number {
    return this.#device.fd;
  }

  receive(at: number): number {
    const length = this.#reader.read(this.#device.fd, at, LARGEST_READ);
    if (length >= 0) return at + length;
    if (length !== -Errno.EAGAIN && length !== -Errno.EINTR) this.failure = -length;
    return at;
  }

  headerAt(): number {
    return this.#headerAt;
  }

  send(headerAt: number, headerEnd: number, payloadAt: number, payloadEnd: number): boolean {
    const words = this.#writeWords;
    this.#memory.writeAddress(words, 0, headerAt);
    words[2] = headerEnd - headerAt;
    this.#memory.writeAddress(words, 4, payloadAt);
    words[6] = payloadEnd - payloadAt;
    const vectors = payloadEnd > payloadAt ? 2 : 1;
    if (libc().writev(this.#device.fd, this.#writeVector, vectors) < 0) {
      this.#counters.dropLinkFull++;
      return false;
    }
    this.#counters.packetsSent++;
    this.#counters.bytesSent += headerEnd - headerAt + payloadEnd - payloadAt;
    return true;
  }

  close(): void {
    this.#device.close();
  }
}
