/** Datagrams on their way to a relay: together, in order, whole, and no slot left. */

import { assertEquals } from "@std/assert";
import { Arena, LARGE_SLOT } from "../../../src/arena.ts";
import { Counters } from "../../../src/counters.ts";
import { type EngineContext, RESERVED_SLOTS } from "../../../src/engine/context.ts";
import { UdpOutbox } from "../../../src/engine/udp_outbox.ts";
import { writeUdpHeader } from "../../../src/wire/socks5.ts";
import { LOOPBACK, UdpRig } from "../../support/udp_rig.ts";

const LARGE = RESERVED_SLOTS + 4;
const FAR = new Uint8Array([203, 0, 113, 7]);
const HEADER = 10;

class Setup implements Disposable {
  readonly counters = new Counters();
  readonly arena: Arena;
  readonly outbox: UdpOutbox;
  readonly far = new UdpRig();
  readonly relay = this.far.bound(LOOPBACK);
  readonly #near = new UdpRig();
  readonly #socket = this.#near.connected(LOOPBACK, this.relay.port);
  readonly #slot: number;

  constructor() {
    this.arena = new Arena(this.#near.memory.bytes, LARGE, 1);
    this.#slot = this.arena.takeLarge();
    const { arena, counters } = this;
    // All of a context that an outbox looks at.
    const context = { arena, counters, io: { udp: this.#near.io } } as unknown as EngineContext;
    this.outbox = new UdpOutbox(context, this.#socket);
  }

  /** A datagram with its header; what is counted when one is taken is counted. */
  push(length: number, salt = 0): boolean {
    const { bytes } = this.arena;
    writeUdpHeader(bytes, this.#slot, FAR, 0, 4, 7);
    bytes.set(payload(length, salt), this.#slot + HEADER);
    const taken = this.outbox.push(this.#slot, this.#slot + HEADER + length);
    if (taken) this.counters.proxyBytesUp += length;
    // The caller's slot is the caller's again.
    bytes.fill(0xee, this.#slot, this.#slot + HEADER + length);
    return taken;
  }

  /** The payloads that come to the relay, at least so many. */
  received(count: number): number[][] {
    return this.far.receive(this.relay, count).map((datagram) => datagram.slice(HEADER));
  }

  /** Until the relay's host has refused what was sent. */
  untilRefused(): void {
    this.#near.wait(this.#socket);
  }

  get slotsInUse(): number {
    return LARGE - this.arena.freeLarge;
  }

  [Symbol.dispose](): void {
    this.far[Symbol.dispose]();
    this.#near[Symbol.dispose]();
  }
}

function payload(length: number, salt: number): number[] {
  return Array.from({ length }, (_, index) => (index * 31 + salt) & 255);
}

Deno.test("datagrams leave at the end of the batch, in order, those of one size together", () => {
  using it = new Setup();
  const lengths = [10, 10, 10, 5, 900, 900, 0];
  for (const [index, length] of lengths.entries()) assertEquals(it.push(length, index), true);
  assertEquals([it.outbox.isEmpty, it.slotsInUse], [false, 2]);
  it.outbox.flush();
  assertEquals([it.outbox.isEmpty, it.slotsInUse], [true, 1]);
  assertEquals(it.received(7), lengths.map((length, index) => payload(length, index)));
  assertEquals(it.far.messages.length, 2);
  assertEquals([it.counters.udpSendDropped, it.counters.proxyBytesUp], [0, 1_835]);
});

Deno.test("more than there is room for leaves before", () => {
  using it = new Setup();
  for (let i = 0; i < 65; i++) it.push(1, i);
  assertEquals(it.received(64).length, 64);
  it.outbox.flush();
  assertEquals(it.received(1), [payload(1, 64)]);
  const fitting = Math.floor(LARGE_SLOT / (HEADER + 4_000));
  for (let i = 0; i < fitting + 1; i++) it.push(4_000, i);
  assertEquals(it.received(fitting).length, fitting);
  it.outbox.flush();
  assertEquals(it.received(1), [payload(4_000, fitting)]);
  assertEquals(it.slotsInUse, 1);
});

Deno.test("a long datagram is not taken, nor any when memory is short", () => {
  using it = new Setup();
  assertEquals(it.push(4_096 - HEADER), true);
  assertEquals(it.push(4_097 - HEADER), false);
  it.outbox.flush();
  const held: number[] = [];
  while (it.arena.freeLarge > RESERVED_SLOTS) held.push(it.arena.takeLarge());
  assertEquals(it.push(1), false);
  for (const at of held) it.arena.release(at);
  assertEquals(it.push(1), true);
  it.outbox.flush();
  assertEquals(it.received(2).length, 2);
});

Deno.test("what is cleared is not sent", () => {
  using it = new Setup();
  it.push(1);
  it.outbox.clear();
  assertEquals([it.outbox.isEmpty, it.slotsInUse], [true, 1]);
  it.outbox.flush();
  it.push(2);
  it.outbox.flush();
  assertEquals(it.received(1), [payload(2, 0)]);
});

Deno.test("what the relay's host refuses is lost, counted, and not counted as sent", () => {
  using it = new Setup();
  it.far.close(it.relay);
  it.push(10);
  it.outbox.flush();
  assertEquals([it.outbox.refused, it.counters.proxyBytesUp], [false, 10]);
  it.untilRefused();
  it.push(20);
  it.push(20);
  it.outbox.flush();
  assertEquals([it.outbox.refused, it.counters.proxyBytesUp], [true, 10]);
  assertEquals(it.counters.udpSendDropped, 2);
});
