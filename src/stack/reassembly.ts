/**
 * Fragments become packets again (RFC 791, 815; RFC 8200, 4.5), within bounds.
 *
 * Each packet that is being put together has a large slot of its own, into which the pieces are copied
 * at their place. A piece that overlaps another one discards the whole packet (RFC 5722; for IPv4 too:
 * no honest sender does that); an exact duplicate is ignored. At the bounds the oldest packet goes.
 */

import { type Arena, LARGE_SLOT } from "../arena.ts";
import { set16 } from "../bytes.ts";
import type { Counters } from "../counters.ts";
import { addWords, complement } from "../wire/checksum.ts";
import { IPV4_CHECKSUM, IPV4_FRAGMENT, IPV4_TOTAL_LENGTH } from "../wire/ipv4.ts";
import { IPV6_HEADER, IPV6_PAYLOAD_LENGTH } from "../wire/ipv6.ts";
import type { Packet } from "../wire/packet.ts";
import { FlowTable } from "./flow_table.ts";
import { RecencyList, type RecencyNode } from "./recency.ts";
import type { SipHash } from "./siphash.ts";

export interface ReassemblyBounds {
  readonly packets: number;
  readonly bytes: number;
  /** Milliseconds from the first piece on. */
  readonly lifetime: number;
}

/** Room in front of the payload for the header that the first piece brings. */
const HEADROOM = 512;
const LARGEST_PAYLOAD = 65_535;
/** How much of an unfinished packet an error may quote. */
const QUOTED = 512;
/** So many separate pieces of one packet at most: 64 KiB in pieces of the smallest MTU are 124. */
const MOST_RANGES = 128;

class Assembly implements RecencyNode {
  newer: RecencyNode | undefined = undefined;
  older: RecencyNode | undefined = undefined;
  readonly key: Uint32Array;
  readonly slot: number;
  readonly expires: number;
  /** Length of the header in front of `slot + HEADROOM`; 0 until the first piece has come. */
  headerLength = 0;
  /** Length of the payload; -1 until the last piece has come. */
  total = -1;
  received = 0;
  readonly #starts: number[] = [];
  readonly #ends: number[] = [];

  constructor(key: Uint32Array, slot: number, expires: number) {
    this.key = key.slice();
    this.slot = slot;
    this.expires = expires;
  }

  /** Bytes from the first one on without a gap: behind a gap lies what the slot held before. */
  get leading(): number {
    let end = 0;
    for (let i = 0; i < this.#starts.length && this.#starts[i] === end; i++) end = this.#ends[i]!;
    return end;
  }

  /** Where the piece ends that reaches furthest. */
  get reach(): number {
    return this.#ends.at(-1) ?? 0;
  }

  /** Notes `[start, end)`: "new", an exact "duplicate", or "overlap". */
  add(start: number, end: number): "new" | "duplicate" | "overlap" {
    let index = this.#starts.length;
    while (index > 0 && start < this.#starts[index - 1]!) index--;
    const before = index - 1;
    if (before >= 0 && this.#ends[before]! > start) {
      return this.#starts[before] === start && this.#ends[before] === end ? "duplicate" : "overlap";
    }
    if (index < this.#starts.length && this.#starts[index]! < end) return "overlap";
    if (this.#starts.length >= MOST_RANGES) return "overlap";
    this.#starts.splice(index, 0, start);
    this.#ends.splice(index, 0, end);
    this.received += end - start;
    return "new";
  }
}

export class Reassembly {
  readonly #arena: Arena;
  readonly #counters: Counters;
  readonly #bounds: ReassemblyBounds;
  readonly #table: FlowTable<Assembly>;
  readonly #order = new RecencyList<Assembly>();
  readonly #expired: (at: number, end: number) => void;
  /** Where the packet that `add` completed lies. */
  doneAt = 0;
  doneEnd = 0;

  /** `expired` is told of packets whose first piece had come, for the ICMP error. */
  constructor(
    arena: Arena,
    counters: Counters,
    bounds: ReassemblyBounds,
    hash: SipHash,
    expired: (at: number, end: number) => void,
  ) {
    this.#arena = arena;
    this.#counters = counters;
    this.#bounds = bounds;
    this.#table = new FlowTable(hash);
    this.#expired = expired;
  }

  get size(): number {
    return this.#table.size;
  }

  get bytes(): number {
    return this.#table.size * LARGE_SLOT;
  }

  get nextDeadline(): number {
    return this.#order.oldest?.expires ?? Infinity;
  }

  /**
   * Takes a piece. True when it completed a packet: that lies in `[doneAt, doneEnd)`, in a slot that the
   * caller now holds one reference to.
   */
  add(packet: Packet, now: number): boolean {
    const length = packet.end - packet.payloadAt;
    const end = packet.fragmentOffset + length;
    const crooked = length === 0 || (packet.moreFragments && length % 8 !== 0) ||
      end > LARGEST_PAYLOAD;
    if (crooked) {
      this.#counters.dropMalformed++;
      return false;
    }
    const assembly = this.#find(packet) ?? this.#begin(packet, now);
    if (assembly === undefined) return false;
    return this.#place(assembly, packet, end);
  }

  /** Forgets what has waited too long. */
  advance(now: number): void {
    for (let oldest = this.#order.oldest; oldest !== undefined; oldest = this.#order.oldest) {
      if (oldest.expires > now) return;
      this.#counters.dropFragmentTimeout++;
      if (oldest.headerLength > 0) {
        // What an error quotes is the header and the beginning; they must look like a packet.
        const quoted = Math.min(oldest.leading, QUOTED);
        const at = this.#closeHeader(oldest, quoted);
        this.#expired(at, oldest.slot + HEADROOM + quoted);
      }
      this.#drop(oldest);
    }
  }

  clear(): void {
    while (this.#order.oldest !== undefined) this.#drop(this.#order.oldest);
  }

  #find(packet: Packet): Assembly | undefined {
    this.#table.setKey(
      packet.bytes,
      packet.destinationAt,
      packet.sourceAt,
      packet.addressLength,
      packet.fragmentId,
      packet.addressLength === 4 ? packet.protocol : 0,
    );
    return this.#table.find();
  }

  #begin(packet: Packet, now: number): Assembly | undefined {
    const { packets, bytes, lifetime } = this.#bounds;
    if (this.#table.size >= packets || this.bytes + LARGE_SLOT > bytes) {
      this.#counters.dropFragmentLimit++;
      if (this.#order.oldest === undefined) return undefined;
      this.#drop(this.#order.oldest);
      this.#find(packet);
    }
    const slot = this.#arena.takeLarge();
    if (slot < 0) {
      this.#counters.dropNoMemory++;
      return undefined;
    }
    const assembly = new Assembly(this.#table.key, slot, now + lifetime);
    this.#table.insert(assembly);
    this.#order.add(assembly);
    return assembly;
  }

  #place(assembly: Assembly, packet: Packet, end: number): boolean {
    const ends = !packet.moreFragments;
    // The last piece says the length: nothing may lie behind it, whichever of the two came first.
    const impossible = ends
      ? end < assembly.reach || (assembly.total >= 0 && assembly.total !== end)
      : assembly.total >= 0 && end > assembly.total;
    const placed = impossible ? "overlap" : assembly.add(packet.fragmentOffset, end);
    if (placed === "overlap") {
      this.#counters.dropFragmentOverlap++;
      this.#drop(assembly);
      return false;
    }
    if (placed === "duplicate") return false;
    const base = assembly.slot + HEADROOM;
    this.#arena.bytes.copyWithin(base + packet.fragmentOffset, packet.payloadAt, packet.end);
    if (ends) assembly.total = end;
    if (packet.fragmentOffset === 0 && !this.#takeHeader(assembly, packet)) return false;
    if (assembly.headerLength === 0 || assembly.received !== assembly.total) return false;
    return this.#complete(assembly, packet);
  }

  /** Copies what stands before the fragment, without the fragment header. */
  #takeHeader(assembly: Assembly, packet: Packet): boolean {
    const bytes = this.#arena.bytes;
    const headerEnd = packet.fragmentHeaderAt >= 0 ? packet.fragmentHeaderAt : packet.payloadAt;
    const length = headerEnd - packet.at;
    if (length > HEADROOM) {
      this.#counters.dropMalformed++;
      this.#drop(assembly);
      return false;
    }
    const at = assembly.slot + HEADROOM - length;
    bytes.copyWithin(at, packet.at, headerEnd);
    if (packet.fragmentHeaderAt >= 0) {
      bytes[at + packet.fragmentNextHeaderAt - packet.at] = bytes[packet.fragmentHeaderAt]!;
    }
    assembly.headerLength = length;
    return true;
  }

  #complete(assembly: Assembly, packet: Packet): boolean {
    const length = assembly.headerLength + assembly.total;
    // IPv4 counts the header in its length; IPv6 only what follows the fixed one.
    if (length - (packet.addressLength === 4 ? 0 : IPV6_HEADER) > LARGEST_PAYLOAD) {
      this.#counters.dropMalformed++;
      this.#drop(assembly);
      return false;
    }
    const at = this.#closeHeader(assembly, assembly.total);
    this.doneAt = at;
    this.doneEnd = at + length;
    this.#arena.retain(assembly.slot);
    this.#counters.packetsReassembled++;
    this.#drop(assembly);
    return true;
  }

  /** Makes the header say that `payload` bytes follow, unfragmented; returns where it begins. */
  #closeHeader(assembly: Assembly, payload: number): number {
    const bytes = this.#arena.bytes;
    const at = assembly.slot + HEADROOM - assembly.headerLength;
    const length = assembly.headerLength + payload;
    if (bytes[at]! >> 4 === 4) {
      set16(bytes, at + IPV4_TOTAL_LENGTH, length);
      set16(bytes, at + IPV4_FRAGMENT, 0);
      set16(bytes, at + IPV4_CHECKSUM, 0);
      const headerSum = addWords(bytes, at, at + assembly.headerLength, 0);
      set16(bytes, at + IPV4_CHECKSUM, complement(headerSum));
    } else set16(bytes, at + IPV6_PAYLOAD_LENGTH, length - IPV6_HEADER);
    return at;
  }

  #drop(assembly: Assembly): void {
    this.#table.key.set(assembly.key);
    this.#table.delete();
    this.#order.remove(assembly);
    this.#arena.release(assembly.slot);
  }
}
