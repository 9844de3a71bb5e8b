/**
 * A link whose memory is poisoned: whatever no packet lies in holds one value.
 *
 * A write outside a packet changes poison. A read outside shows when two stacks with different poison are
 * fed alike: what they send then differs, and with it the hash of what was sent.
 */

import { Arena, LARGE_SLOT } from "../../src/arena.ts";
import { get32 } from "../../src/bytes.ts";
import type { Link } from "../../src/link/link.ts";
import { HEADER_ROOM } from "../../src/packet_output.ts";
import { hold } from "./target.ts";

export interface PoisonedLinkOptions {
  readonly vnet: boolean;
  readonly mtu: number;
  readonly poison: number;
  readonly largeSlots: number;
  readonly smallSlots: number;
}

export class PoisonedArena extends Arena {
  readonly #poison: number;
  readonly #smallBase: number;

  constructor(largeSlots: number, smallSlots: number, poison: number) {
    const block = new Uint8Array(Arena.size(largeSlots, smallSlots)).fill(poison);
    super(block, largeSlots, smallSlots);
    this.#poison = poison;
    this.#smallBase = largeSlots * LARGE_SLOT;
  }

  override release(at: number): void {
    const last = this.references(at) === 1;
    super.release(at);
    if (!last) return;
    const start = this.slotStart(at);
    this.bytes.fill(this.#poison, start, start + this.slotSize(at));
  }

  slotStart(at: number): number {
    const base = at < this.#smallBase ? 0 : this.#smallBase;
    return at - (at - base) % this.slotSize(at);
  }

  /** Throws unless `[at, end)` holds poison only. */
  checkPoison(at: number, end: number, what: string): void {
    for (let i = at; i < end; i++) {
      hold(this.bytes[i] === this.#poison, `${what}: byte ${i - at} is not as it was`);
    }
  }

  /** Throws unless every free slot holds poison only. */
  checkFreeSlots(): void {
    const end = this.bytes.length;
    for (let at = 0; at < end; at += this.slotSize(at)) {
      if (this.references(at) === 0) this.#checkSlot(at);
    }
  }

  /** Word by word first: this runs over megabytes. */
  #checkSlot(at: number): void {
    const size = this.slotSize(at);
    const words = new Int32Array(this.bytes.buffer, at, size / 4);
    const expected = this.#poison * 0x0101_0101 | 0;
    for (let i = 0; i < words.length; i++) {
      if (words[i] !== expected) return this.checkPoison(at, at + size, "a free slot");
    }
  }
}

export class PoisonedLink implements Link {
  readonly arena: PoisonedArena;
  readonly mtu: number;
  readonly vnet: boolean;
  readonly udpSegments = false;
  /** Depends on every byte that was ever sent, and on the order. */
  hash = 0;
  /** Packets sent; whoever bounds the work sets it back. */
  sent = 0;
  sendLimit = Infinity;
  /** Sees every packet: where its headers and its payload lie. */
  onSend: (at: number, end: number, payloadAt: number, payloadEnd: number) => void = () => {};
  /** Every so many packets one is not taken; 0 for never. */
  refuseEvery = 0;
  readonly #header: number;

  constructor(options: PoisonedLinkOptions) {
    this.arena = new PoisonedArena(options.largeSlots, options.smallSlots + 1, options.poison);
    this.mtu = options.mtu;
    this.vnet = options.vnet;
    this.#header = this.arena.takeSmall();
  }

  receive(at: number): number {
    return at;
  }

  headerAt(): number {
    return this.#header;
  }

  send(headerAt: number, headerEnd: number, payloadAt: number, payloadEnd: number): boolean {
    hold(headerEnd - headerAt <= HEADER_ROOM, "a header is longer than its room");
    hold(payloadAt <= payloadEnd, "a payload ends before it begins");
    hold(++this.sent <= this.sendLimit, `more than ${this.sendLimit} packets for one input`);
    this.#add(headerAt, headerEnd);
    this.#add(payloadAt, payloadEnd);
    this.onSend(headerAt, headerEnd, payloadAt, payloadEnd);
    return this.refuseEvery === 0 || (this.hash >>> 8) % this.refuseEvery !== 0;
  }

  close(): void {
    this.arena.release(this.#header);
  }

  #add(at: number, end: number): void {
    const bytes = this.arena.bytes;
    let hash = this.hash ^ (end - at);
    let i = at;
    for (; i + 4 <= end; i += 4) {
      hash = Math.imul(hash ^ get32(bytes, i), 0x5bd1_e995) ^ (hash >>> 15);
    }
    for (; i < end; i++) hash = Math.imul(hash ^ bytes[i]!, 0x0100_0193);
    this.hash = hash >>> 0;
  }
}
