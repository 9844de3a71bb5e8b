/**
 * Damaged packets into whole stacks. Two stacks are fed alike, with owners that do alike; only the
 * poison in their memories differs. After every input:
 *
 * - nothing was thrown, no more was sent or called than an input can call for;
 * - nothing was written outside the packet, nor into it;
 * - both stacks have sent the same, so nothing outside packets was read;
 * - what was sent is well-formed (`check_output.ts`); tables are within their bounds.
 *
 * And at the end, when time has passed, nothing is left: no connection, no fragment, no slot.
 */

import { LARGE_SLOT, SMALL_SLOT } from "../../src/arena.ts";
import { Stack, type StackOptions } from "../../src/stack/stack.ts";
import { TCP } from "../../src/wire/protocol.ts";
import { checkOutput } from "./check_output.ts";
import { PoisonedLink } from "./poisoned_link.ts";
import { RandomHandler } from "./random_handler.ts";
import { Random } from "./random.ts";
import { type FuzzRun, type FuzzTarget, hold } from "./target.ts";
import { Traffic } from "./traffic.ts";

const LARGE_SLOTS = 48;
const SMALL_SLOTS = 256;
const MTU = 1500;
const FLOWS = 32;
const HALF_OPEN = 24;
const FRAGMENTED = 8;
const HOUR = 3_600_000;
/** What one connection may have in flight, in the smallest segments there are, with room to spare. */
const MOST_SENT = 8_000;
/** A super-datagram cut into single bytes calls the handler for each. */
const MOST_CALLS = 70_000;
/** Looking through all of the memory takes a millisecond. */
const SWEEP_EVERY = 2_000;

const OPTIONS: Omit<StackOptions, "random"> = {
  tcp: {
    flowBytes: 1 << 18,
    idle: HOUR,
    halfClosed: 60_000,
    timeWait: 30_000,
    giveUp: 100_000,
    keepAliveInterval: 10_000,
    keepAliveProbes: 3,
    congestion: "cubic",
  },
  tcpBounds: { flows: FLOWS, halfOpen: HALF_OPEN },
  reassembly: { packets: FRAGMENTED, bytes: FRAGMENTED * LARGE_SLOT, lifetime: 15_000 },
  router: { ipv4: new Uint8Array([198, 18, 0, 2]), ipv6: new Uint8Array(16).fill(0xfd) },
  answerEcho: true,
};

/** One of the two stacks, with its memory and the owner of its connections. */
class Half {
  readonly link: PoisonedLink;
  readonly handler: RandomHandler;
  readonly stack: Stack;
  readonly #random: Random;

  constructor(vnet: boolean, poison: number, seed: number) {
    this.#random = new Random(seed ^ 0x5eed);
    this.link = new PoisonedLink({
      vnet,
      mtu: MTU,
      poison,
      largeSlots: LARGE_SLOTS,
      smallSlots: SMALL_SLOTS,
    });
    this.link.refuseEvery = seed % 3 === 0 ? 20 : 0;
    this.handler = new RandomHandler(this.#random, this.link.arena);
    const secret = new Random(seed);
    this.stack = new Stack(this.link, this.handler, {
      ...OPTIONS,
      tcp: { ...OPTIONS.tcp, congestion: seed % 2 === 0 ? "cubic" : "newreno" },
      random: (bytes) => secret.fill(bytes),
    });
    this.handler.attach(this.stack);
  }

  feed(input: Uint8Array, now: number): void {
    const random = this.#random;
    this.#resetBounds();
    this.handler.act();
    this.#receive(input, now);
    if (!random.oneIn(4)) this.stack.flush(now);
    if (random.oneIn(500)) this.#connect(now);
    if (this.stack.nextDeadline <= now) this.advance(now);
    hold(this.handler.calls <= MOST_CALLS, `${this.handler.calls} calls for one input`);
    const { connections, reassembly } = this.stack;
    hold(connections.size <= FLOWS, `${connections.size} connections`);
    // Connections that the stack opens itself are not bounded by it.
    hold(connections.halfOpen <= FLOWS, `${connections.halfOpen} half-open connections`);
    hold(reassembly.size <= FRAGMENTED, `${reassembly.size} packets in pieces`);
  }

  advance(now: number): void {
    // Every connection may have something to send now, and the bound is meant for one.
    this.link.sendLimit = MOST_SENT * FLOWS;
    this.stack.advance(now);
    hold(this.stack.nextDeadline > now, "what was due is still due");
  }

  /** Everything ends, by itself or by its owner; then nothing may be left. */
  finish(now: number): void {
    this.#resetBounds();
    this.handler.letGo();
    for (let hours = 0; hours < 4; hours++) {
      for (let minute = 0; minute < 60; minute++) this.advance(now += 60_000);
    }
    const { stack, link } = this;
    hold(stack.connections.size === 0, `${stack.connections.size} connections are left`);
    hold(stack.connections.halfOpen === 0, `${stack.connections.halfOpen} half-open ones are left`);
    hold(stack.reassembly.size === 0, `${stack.reassembly.size} packets in pieces are left`);
    hold(stack.nextDeadline === Infinity, `a deadline is left: ${stack.nextDeadline}`);
    this.handler.letGo();
    link.close();
    const { freeLarge, freeSmall, largeCount, smallCount } = link.arena;
    hold(freeLarge === largeCount, `${largeCount - freeLarge} large slots are left`);
    hold(freeSmall === smallCount, `${smallCount - freeSmall} small slots are left`);
    link.arena.checkFreeSlots();
  }

  #receive(input: Uint8Array, now: number): void {
    const { arena } = this.link;
    const small = input.length <= SMALL_SLOT && this.#random.oneIn(2);
    const slot = small ? arena.takeSmall() : arena.takeLarge();
    if (slot < 0) return this.handler.letGo();
    const size = arena.slotSize(slot);
    const at = slot + this.#random.below(Math.min(64, size - input.length + 1));
    const end = at + input.length;
    arena.bytes.set(input, at);
    this.stack.receive(at, end, now);
    arena.checkPoison(slot, at, "in front of the packet");
    arena.checkPoison(end, Math.min(slot + size, end + 64), "behind the packet");
    for (let i = 0; i < Math.min(input.length, 2_000); i++) {
      hold(arena.bytes[at + i] === input[i], "the packet was changed");
    }
    arena.release(slot);
  }

  #connect(now: number): void {
    const remotePort = 1_024 + this.#random.below(2_000);
    const localAddress = new Uint8Array([192, 0, 2, 9]);
    const remoteAddress = new Uint8Array([198, 18, 0, 1]);
    const endpoints = { localAddress, localPort: 4_000, remoteAddress, remotePort };
    this.stack.connect(endpoints, now);
  }

  #resetBounds(): void {
    this.link.sent = 0;
    this.link.sendLimit = MOST_SENT;
    this.handler.calls = 0;
  }
}

class PacketRun implements FuzzRun {
  readonly #random: Random;
  readonly #traffic: Traffic;
  readonly #halves: readonly [Half, Half];
  readonly #vnet: boolean;
  #now = 0;
  #count = 0;

  constructor(vnet: boolean, seed: number) {
    this.#random = new Random(seed);
    this.#vnet = vnet;
    this.#traffic = new Traffic(this.#random, vnet);
    this.#halves = [new Half(vnet, 0xa5, seed), new Half(vnet, 0x3c, seed)];
    const { link } = this.#halves[0];
    link.onSend = (at, end, payloadAt, payloadEnd) => {
      this.#look(link, at, end, payloadAt, payloadEnd);
    };
  }

  next(): Uint8Array {
    return this.#traffic.next();
  }

  feed(input: Uint8Array): void {
    this.#passTime();
    const [one, other] = this.#halves;
    one.feed(input, this.#now);
    other.feed(input, this.#now);
    hold(one.link.hash === other.link.hash, "what is sent depends on bytes outside the packet");
    if (++this.#count % SWEEP_EVERY === 0) one.link.arena.checkFreeSlots();
  }

  finish(): void {
    const [one, other] = this.#halves;
    one.finish(this.#now);
    other.finish(this.#now);
    hold(one.link.hash === other.link.hash, "what is sent at the end depends on other bytes");
  }

  #passTime(): void {
    const random = this.#random;
    if (random.oneIn(2)) this.#now += random.below(4);
    else if (random.oneIn(30)) this.#now += random.below(2_000);
    else if (random.oneIn(1_000)) this.#now += random.below(200_000);
  }

  #look(link: PoisonedLink, at: number, end: number, payloadAt: number, payloadEnd: number): void {
    const { bytes } = link.arena;
    const ipAt = this.#vnet ? at + 10 : at;
    const ipv4 = bytes[ipAt]! >> 4 === 4;
    if (bytes[ipAt + (ipv4 ? 9 : 6)] === TCP) {
      this.#traffic.observe(bytes, ipAt, ipAt + (ipv4 ? 20 : 40), payloadEnd - payloadAt);
    }
    const packet = new Uint8Array(end - at + payloadEnd - payloadAt);
    packet.set(bytes.subarray(at, end));
    packet.set(bytes.subarray(payloadAt, payloadEnd), end - at);
    checkOutput(packet, this.#vnet, MTU);
  }
}

export const plainPacketsTarget: FuzzTarget = {
  name: "packets",
  runLength: 100_000,
  start: (seed) => new PacketRun(false, seed),
};

export const vnetPacketsTarget: FuzzTarget = {
  name: "packets-vnet",
  runLength: 100_000,
  start: (seed) => new PacketRun(true, seed),
};
