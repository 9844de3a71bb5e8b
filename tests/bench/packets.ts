/** The packets that benches read, and a ring of them: the same one over and over would be learnt by heart. */

import { TCP } from "../../src/wire/protocol.ts";
import { ACK, SYN, TCP_CHECKSUM } from "../../src/wire/tcp.ts";
import { be16, be32, join, summedPacket, udpPacket } from "../src/stack/packets.ts";

export type AddressLength = 4 | 16;

/** What is left of a packet of 1500 bytes after IPv4, TCP and timestamps. */
export const MSS = 1_448;
export const FIRST_PORT = 40_000;

const RING = 64;
const STRIDE = 2048;
const TIMESTAMPS = [1, 1, 8, 10, 0, 1, 2, 3, 0, 0, 0, 0];
/** MSS, SACK permitted, timestamps, window scale: what Linux offers. */
const SYN_OPTIONS = [2, 4, 5, 180, 4, 2, 8, 10, 0, 1, 2, 3, 0, 0, 0, 0, 1, 3, 3, 10];
const PAYLOAD = new Uint8Array(MSS).map((_, index) => index * 13);

/** A full segment with timestamps, as in the middle of a transfer. */
export function dataSegment(index: number, addressLength: AddressLength): Uint8Array {
  const sequence = Math.imul(index, 0x0765_4321) >>> 0;
  return segment(index, addressLength, ACK, sequence, sequence >>> 3, TIMESTAMPS, MSS);
}

export function synSegment(index: number, addressLength: AddressLength): Uint8Array {
  return segment(index, addressLength, SYN, 0, 0, SYN_OPTIONS, 0);
}

/** What ends the handshake that `synSegment` begins. */
export function ackSegment(index: number, addressLength: AddressLength, ack: number): Uint8Array {
  return segment(index, addressLength, ACK, 1, ack, TIMESTAMPS, 0);
}

export function datagram(index: number, addressLength: AddressLength, length = 64): Uint8Array {
  const [source, destination] = addresses(addressLength);
  return udpPacket(source, destination, FIRST_PORT + index, 53, PAYLOAD.subarray(0, length));
}

/** The same behind a virtio header that leaves the checksum to the kernel. */
export function withVnetHeader(packet: Uint8Array, gsoType = 0): Uint8Array {
  const size = gsoType === 0 ? 0 : MSS;
  return join([1, gsoType, 52, 0, size & 255, size >>> 8, 20, 0, 16, 0], packet);
}

/** 64 packets in one block of memory, taken in turn. */
export class PacketRing {
  readonly bytes = new Uint8Array(RING * STRIDE);
  /** Where the packet lies that was taken last. */
  at = 0;
  end = 0;
  readonly #ends = new Int32Array(RING);
  #next = 0;

  constructor(make: (index: number) => Uint8Array) {
    for (let i = 0; i < RING; i++) {
      const packet = make(i);
      this.bytes.set(packet, i * STRIDE);
      this.#ends[i] = i * STRIDE + packet.length;
    }
  }

  take(): void {
    const index = this.#next;
    this.#next = (index + 1) & (RING - 1);
    this.at = index * STRIDE;
    this.end = this.#ends[index]!;
  }
}

function segment(
  index: number,
  addressLength: AddressLength,
  flags: number,
  sequence: number,
  acknowledgment: number,
  options: number[],
  length: number,
): Uint8Array {
  const [source, destination] = addresses(addressLength);
  const header = join(
    be16(FIRST_PORT + index),
    be16(443),
    be32(sequence),
    be32(acknowledgment),
    [(20 + options.length) << 2, flags],
    be16(65_535),
    [0, 0, 0, 0],
    options,
  );
  const upper = join(header, PAYLOAD.subarray(0, length));
  return summedPacket({ source, destination, protocol: TCP }, upper, TCP_CHECKSUM);
}

function addresses(length: AddressLength): [source: Uint8Array, destination: Uint8Array] {
  const source = new Uint8Array(length).map((_, at) => 10 + at);
  return [source, source.map((byte) => byte + 32)];
}
