/**
 * A stack under test with the local host played by hand: packets go in as templates with explicit times,
 * and what comes out is read back field by field.
 */

import { assertEquals } from "@std/assert";
import { MemoryLink, type MemoryLinkOptions } from "../../../src/link/memory_link.ts";
import { Stack, type StackHandler, type StackOptions } from "../../../src/stack/stack.ts";
import type { TcpConnection, TcpOptions } from "../../../src/stack/tcp/connection.ts";
import type { Packet } from "../../../src/wire/packet.ts";
import { toPlainPackets } from "../../netsim/offload.ts";
import { type ReadIp, readIp } from "./packets.ts";

export const TCP: TcpOptions = {
  flowBytes: 1 << 16,
  idle: 7_200_000,
  halfClosed: 60_000,
  timeWait: 30_000,
  giveUp: 120_000,
  keepAliveInterval: 75_000,
  keepAliveProbes: 3,
  congestion: "newreno",
};

export const ROUTER4 = new Uint8Array([198, 18, 0, 1]);
export const ROUTER6 = new Uint8Array([0xfd, 9, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]);

export interface HarnessOptions extends MemoryLinkOptions {
  readonly tcp?: Partial<TcpOptions>;
  readonly flows?: number;
  readonly halfOpen?: number;
  readonly stack?: Partial<StackOptions>;
}

export interface Datagram {
  readonly sourcePort: number;
  readonly destinationPort: number;
  readonly payload: Uint8Array;
}

export class Harness implements StackHandler {
  readonly link: MemoryLink;
  readonly stack: Stack;
  now = 1_000;
  /** Everything that was written to the link, as it was written. */
  readonly written: Uint8Array[] = [];
  /** Packets that left since `take` was called last; what the kernel would cut is cut. */
  sent: Uint8Array[] = [];
  readonly opened: TcpConnection[] = [];
  readonly datagrams: Datagram[] = [];
  onOpened: (connection: TcpConnection) => void = () => {};
  onDatagram: (packet: Packet) => void = () => {};
  readonly #slot: number;
  readonly #freeLarge: number;
  readonly #freeSmall: number;

  constructor(options: HarnessOptions = {}) {
    this.link = new MemoryLink(options);
    this.link.onSend = (packet) => {
      this.written.push(packet);
      if (this.link.vnet) this.sent.push(...toPlainPackets(packet, this.link.mtu));
      else this.sent.push(packet);
      return true;
    };
    this.stack = new Stack(this.link, this, {
      tcp: { ...TCP, ...options.tcp },
      tcpBounds: { flows: options.flows ?? 100, halfOpen: options.halfOpen ?? 50 },
      reassembly: { packets: 8, bytes: 1 << 20, lifetime: 15_000 },
      router: { ipv4: ROUTER4, ipv6: ROUTER6 },
      answerEcho: true,
      random: (bytes) => bytes.forEach((_, i) => bytes[i] = i * 7 + 1),
      ...options.stack,
    });
    this.#slot = this.link.arena.takeLarge();
    this.#freeLarge = this.link.arena.freeLarge;
    this.#freeSmall = this.link.arena.freeSmall;
  }

  get counters(): Stack["counters"] {
    return this.stack.counters;
  }

  /** Puts a packet in, lets the stack answer, and returns what left. */
  receive(...packets: Uint8Array[]): Uint8Array[] {
    const header = this.link.vnet ? 10 : 0;
    const at = this.#slot;
    for (const packet of packets) {
      this.link.arena.bytes.fill(0, at, at + header);
      this.link.arena.bytes.set(packet, at + header);
      this.stack.receive(at, at + header + packet.length, this.now);
    }
    this.stack.flush(this.now);
    return this.take();
  }

  /** Lets time pass, running every deadline on the way, and returns what left. */
  wait(milliseconds: number): Uint8Array[] {
    const until = this.now + milliseconds;
    while (this.stack.nextDeadline <= until) {
      this.now = Math.max(this.now, this.stack.nextDeadline);
      this.stack.advance(this.now);
    }
    this.now = until;
    this.stack.advance(until);
    this.stack.flush(until);
    return this.take();
  }

  /** Does something as the owner of a flow, and returns what left. */
  act(action: () => void): Uint8Array[] {
    this.stack.now = this.now;
    action();
    this.stack.flush(this.now);
    return this.take();
  }

  take(): Uint8Array[] {
    const sent = this.sent;
    this.sent = [];
    return sent;
  }

  /** Bytes in a slot, for `connection.send`: where they begin. */
  place(bytes: Uint8Array): number {
    const { arena } = this.link;
    const at = bytes.length <= 2048 ? arena.takeSmall() : arena.takeLarge();
    arena.bytes.set(bytes, at);
    return at;
  }

  /** Insists that nothing is held any more. */
  checkEmpty(): void {
    const { arena } = this.link;
    const { connections, nextDeadline } = this.stack;
    assertEquals(
      [connections.size, connections.halfOpen, nextDeadline, arena.freeLarge, arena.freeSmall],
      [0, 0, Infinity, this.#freeLarge, this.#freeSmall],
    );
  }

  tcpOpened(connection: TcpConnection): void {
    this.opened.push(connection);
    this.onOpened(connection);
  }

  udpReceived(
    packet: Packet,
    sourcePort: number,
    destinationPort: number,
    at: number,
    end: number,
  ): void {
    this.datagrams.push({
      sourcePort,
      destinationPort,
      payload: this.link.arena.bytes.slice(at, end),
    });
    this.onDatagram(packet);
  }
}

/** The one packet that was to leave, read. */
export function only(packets: Uint8Array[]): ReadIp {
  assertEquals(packets.length, 1, `${packets.length} packets left instead of one`);
  return readIp(packets[0]!);
}
