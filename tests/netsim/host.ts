/**
 * One end of the simulated network: a stack, its link, and what an engine does around them, with the
 * virtual clock instead of a real one.
 */

import { Counters } from "../../src/counters.ts";
import { MemoryLink, type MemoryLinkOptions } from "../../src/link/memory_link.ts";
import { Stack, type StackHandler } from "../../src/stack/stack.ts";
import type { TcpConnection, TcpOptions } from "../../src/stack/tcp/connection.ts";
import type { Packet } from "../../src/wire/packet.ts";
import type { Random } from "./random.ts";
import type { VirtualClock } from "./virtual_clock.ts";

export interface HostOptions extends MemoryLinkOptions {
  readonly tcp: TcpOptions;
  readonly flows?: number;
  /** How often the link refuses a packet. */
  readonly linkFull?: number;
}

/** So many packets wait to be read; a device's queue is bounded too. */
const INBOX = 2_000;
/** Slots that senders leave for what arrives. */
const RESERVE = 8;

export class Host implements StackHandler {
  readonly clock: VirtualClock;
  readonly link: MemoryLink;
  readonly counters = new Counters();
  readonly stack: Stack;
  /** What the stack was given as its secret. */
  readonly secret = new Uint8Array(20);
  /** Added to the virtual clock: initial sequence numbers follow the time (RFC 6528). */
  clockOffset = 0;
  /** Takes new passive connections. */
  onOpened: (connection: TcpConnection) => void = (connection) => connection.refuse();
  /** Takes every packet that leaves. */
  onPacket: (packet: Uint8Array) => void = () => {};
  #readSlot: number;
  #waiting = 0;
  #pollScheduled = false;
  #timerAt = Infinity;
  readonly #largeBaseline: number;
  readonly #smallBaseline: number;

  constructor(clock: VirtualClock, random: Random, options: HostOptions) {
    this.clock = clock;
    this.link = new MemoryLink(options);
    this.#largeBaseline = this.link.arena.freeLarge;
    this.#smallBaseline = this.link.arena.freeSmall;
    this.#readSlot = this.link.arena.takeLarge();
    const linkFull = options.linkFull ?? 0;
    this.link.onSend = (packet) => {
      if (random.chance(linkFull)) return false;
      this.onPacket(packet);
      return true;
    };
    this.stack = new Stack(this.link, this, {
      tcp: options.tcp,
      tcpBounds: { flows: options.flows ?? 1_000, halfOpen: 500 },
      reassembly: { packets: 4, bytes: 1 << 20, lifetime: 15_000 },
      router: { ipv4: new Uint8Array([10, 0, 0, 9]), ipv6: new Uint8Array(16).fill(9) },
      answerEcho: true,
      random: (bytes) => {
        random.fill(bytes);
        this.secret.set(bytes);
      },
    }, this.counters);
  }

  get now(): number {
    return this.clock.now + this.clockOffset;
  }

  /** A packet has come through the network. */
  deliver(packet: Uint8Array): void {
    if (this.#waiting >= INBOX) return;
    this.#waiting++;
    this.link.push(packet);
    this.#schedulePoll(0);
  }

  /** Does something to the stack or a connection, and then what an engine does after every batch. */
  act(action: () => void): void {
    this.stack.now = this.now;
    action();
    this.#settle();
  }

  /** A slot for `size` bytes to send; -1 when there is no memory to spare now. */
  takeSlot(size: number): number {
    const { arena } = this.link;
    if (size <= 2048 && arena.freeSmall > RESERVE) return arena.takeSmall();
    return arena.freeLarge > RESERVE ? arena.takeLarge() : -1;
  }

  /** Keeps `[at, end)` beyond the call: small pieces are copied. The new place, or -1. */
  keep(at: number, end: number): number {
    const { arena } = this.link;
    if (end - at <= 2048) {
      const copy = arena.takeSmall();
      if (copy >= 0) arena.bytes.copyWithin(copy, at, end);
      return copy;
    }
    if (arena.freeLarge <= 2) return -1;
    arena.retain(at);
    return at;
  }

  /** What is still there that should be gone; empty when nothing is. */
  leftovers(): string[] {
    if (this.#readSlot >= 0) this.link.arena.release(this.#readSlot);
    this.#readSlot = -1;
    const { arena } = this.link;
    const { connections, reassembly, nextDeadline } = this.stack;
    const found: [string, number, number][] = [
      ["large slots", arena.freeLarge, this.#largeBaseline],
      ["small slots", arena.freeSmall, this.#smallBaseline],
      ["connections", connections.size, 0],
      ["half-open connections", connections.halfOpen, 0],
      ["reassemblies", reassembly.size, 0],
      ["deadline", nextDeadline, Infinity],
    ];
    return found.filter(([, seen, wanted]) => seen !== wanted)
      .map(([name, seen, wanted]) => `${name}: ${seen} instead of ${wanted}`);
  }

  tcpOpened(connection: TcpConnection): void {
    this.onOpened(connection);
  }

  udpReceived(packet: Packet): void {
    this.stack.refuse(packet, "port-unreachable");
  }

  #schedulePoll(delay: number): void {
    if (this.#pollScheduled) return;
    this.#pollScheduled = true;
    this.clock.after(delay, () => this.#poll());
  }

  /** Reads the whole batch that is there, then lets the stack answer it. */
  #poll(): void {
    this.#pollScheduled = false;
    const { arena } = this.link;
    while (this.#waiting > 0) {
      if (this.#readSlot < 0) this.#readSlot = arena.takeLarge();
      if (this.#readSlot < 0) {
        this.#schedulePoll(1);
        break;
      }
      const end = this.link.receive(this.#readSlot);
      this.#waiting--;
      this.stack.receive(this.#readSlot, end, this.now);
      // Somebody keeps the slot: the next packet needs another one.
      if (arena.references(this.#readSlot) > 1) {
        arena.release(this.#readSlot);
        this.#readSlot = -1;
      }
    }
    this.#settle();
  }

  #settle(): void {
    this.stack.flush(this.now);
    const deadline = this.stack.nextDeadline - this.clockOffset;
    if (deadline >= this.#timerAt || deadline === Infinity) return;
    this.#timerAt = deadline;
    this.clock.at(deadline, () => this.#expire(deadline));
  }

  #expire(at: number): void {
    // An earlier one has been set since, and took over.
    if (at !== this.#timerAt) return;
    this.#timerAt = Infinity;
    this.stack.advance(this.now);
    this.#settle();
  }
}
