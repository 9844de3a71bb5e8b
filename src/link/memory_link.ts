/** A link in memory, for tests: what is sent is handed to a function; what arrives is put in by hand. */

import { Arena } from "../arena.ts";
import { HEADER_ROOM } from "../packet_output.ts";
import type { Link } from "./link.ts";

export interface MemoryLinkOptions {
  readonly mtu?: number;
  readonly vnet?: boolean;
  readonly udpSegments?: boolean;
  readonly largeSlots?: number;
  readonly smallSlots?: number;
}

export class MemoryLink implements Link {
  readonly arena: Arena;
  readonly mtu: number;
  readonly vnet: boolean;
  readonly udpSegments: boolean;
  /** Takes every packet that is sent, in bytes of its own; false makes `send` fail. */
  onSend: (packet: Uint8Array) => boolean = () => true;
  readonly #incoming: Uint8Array[] = [];
  readonly #header: number;

  constructor(options: MemoryLinkOptions = {}) {
    const { largeSlots = 64, smallSlots = 512 } = options;
    const block = new Uint8Array(Arena.size(largeSlots, smallSlots + 1));
    this.arena = new Arena(block, largeSlots, smallSlots + 1);
    this.mtu = options.mtu ?? 1500;
    this.vnet = options.vnet ?? false;
    this.udpSegments = options.udpSegments ?? false;
    this.#header = this.arena.takeSmall();
  }

  /** Puts a packet where `receive` will find it. */
  push(packet: Uint8Array): void {
    this.#incoming.push(packet);
  }

  receive(at: number): number {
    const packet = this.#incoming.shift();
    if (packet === undefined) return at;
    this.arena.bytes.set(packet, at);
    return at + packet.length;
  }

  headerAt(): number {
    return this.#header;
  }

  send(headerAt: number, headerEnd: number, payloadAt: number, payloadEnd: number): boolean {
    if (headerEnd - headerAt > HEADER_ROOM) {
      throw new RangeError("Cannot send: the header is too long");
    }
    const packet = new Uint8Array(headerEnd - headerAt + payloadEnd - payloadAt);
    packet.set(this.arena.bytes.subarray(headerAt, headerEnd));
    packet.set(this.arena.bytes.subarray(payloadAt, payloadEnd), headerEnd - headerAt);
    return this.onSend(packet);
  }

  close(): void {
    this.#incoming.length = 0;
    this.arena.release(this.#header);
  }
}
