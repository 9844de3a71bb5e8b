/** Builds sound packets, for the fuzzer to damage or to leave alone. */

import { set16, set16le, set32 } from "../../src/bytes.ts";
import { TCP, UDP } from "../../src/wire/protocol.ts";
import { repairChecksums } from "./repair.ts";

export interface Segment {
  readonly flags: number;
  readonly sequence: number;
  readonly acknowledgment: number;
  readonly window: number;
  /** Whole words. */
  readonly options: readonly number[];
  readonly payload: number;
}

const VNET = 10;
const LARGEST = 65_535;

export class PacketBuilder {
  readonly bytes = new Uint8Array(VNET + LARGEST);
  readonly vnet: boolean;
  /** Where the IP header begins: a virtio header is in front of it, or nothing. */
  readonly ipAt: number;
  end = 0;
  #upperAt = 0;
  #version = 4;

  constructor(vnet: boolean) {
    this.vnet = vnet;
    this.ipAt = vnet ? VNET : 0;
  }

  /** The most bytes that an input may have. */
  get limit(): number {
    return this.ipAt + LARGEST;
  }

  ip(protocol: number, source: Uint8Array, destination: Uint8Array): void {
    const { bytes, ipAt } = this;
    this.#version = source.length === 4 ? 4 : 6;
    this.#upperAt = ipAt + (this.#version === 4 ? 20 : 40);
    bytes.fill(0, 0, this.#upperAt);
    bytes[ipAt] = this.#version === 4 ? 0x45 : 0x60;
    bytes[ipAt + (this.#version === 4 ? 9 : 6)] = protocol;
    bytes[ipAt + (this.#version === 4 ? 8 : 7)] = 64;
    bytes.set(source, this.#upperAt - 2 * source.length);
    bytes.set(destination, this.#upperAt - source.length);
  }

  tcp(sourcePort: number, destinationPort: number, segment: Segment): void {
    const { bytes } = this;
    const at = this.#upperAt;
    const headerLength = 20 + 4 * segment.options.length;
    set16(bytes, at, sourcePort);
    set16(bytes, at + 2, destinationPort);
    set32(bytes, at + 4, segment.sequence);
    set32(bytes, at + 8, segment.acknowledgment);
    bytes[at + 12] = (headerLength / 4) << 4;
    bytes[at + 13] = segment.flags;
    set16(bytes, at + 14, segment.window);
    set32(bytes, at + 16, 0);
    segment.options.forEach((word, index) => set32(bytes, at + 20 + 4 * index, word));
    this.#payload(at + headerLength, segment.payload);
    if (this.vnet) this.#virtio(TCP, headerLength, segment.payload);
  }

  udp(sourcePort: number, destinationPort: number, payload: number, segmentSize: number): void {
    const { bytes } = this;
    const at = this.#upperAt;
    set16(bytes, at, sourcePort);
    set16(bytes, at + 2, destinationPort);
    this.#payload(at + 8, payload);
    set16(bytes, at + 4, this.end - at);
    set16(bytes, at + 6, 0);
    if (!this.vnet) return;
    this.#virtio(UDP, 8, payload);
    if (payload <= segmentSize || segmentSize === 0) return;
    bytes[1] = 5;
    set16le(bytes, 4, segmentSize);
  }

  icmp(type: number, code: number, payload: number): void {
    const at = this.#upperAt;
    this.bytes.fill(0, at, at + 8);
    this.bytes[at] = type;
    this.bytes[at + 1] = code;
    this.#payload(at + 8, payload);
  }

  /** Writes the lengths; the checksums too where nobody below vouches for them. */
  close(): Uint8Array {
    const { bytes, ipAt, end } = this;
    if (this.#version === 4) set16(bytes, ipAt + 2, end - ipAt);
    else set16(bytes, ipAt + 4, end - ipAt - 40);
    const vouched = this.vnet && bytes[0] === 1;
    // The IPv4 header's own checksum is always looked at.
    repairChecksums(bytes, ipAt, vouched && this.#version === 4 ? ipAt + 20 : end);
    return bytes.subarray(0, end);
  }

  #payload(at: number, length: number): void {
    this.end = Math.min(at + length, this.ipAt + LARGEST);
    // What is in it does not matter, only that a byte out of its place is seen.
    for (let i = at; i < Math.min(this.end, at + 64); i++) this.bytes[i] = i;
    if (this.end > at + 64) this.bytes.fill(length, at + 64, this.end);
  }

  #virtio(protocol: number, headerLength: number, payload: number): void {
    const { bytes } = this;
    const most = 1500 - (this.#upperAt - this.ipAt) - headerLength;
    bytes[0] = 1;
    set16le(bytes, 2, this.#upperAt - this.ipAt + headerLength);
    set16le(bytes, 6, this.#upperAt - this.ipAt);
    set16le(bytes, 8, protocol === TCP ? 16 : 6);
    if (protocol !== TCP || payload <= most) return;
    bytes[1] = this.#version === 4 ? 1 : 4;
    set16le(bytes, 4, most);
  }
}
