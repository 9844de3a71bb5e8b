/**
 * The engine that runs everywhere: Deno's own I/O towards the proxy, one loop for the device and the UDP
 * sockets.
 *
 * While there is traffic the loop takes turns with the event loop (1.4 µs each); after some turns with
 * nothing to do it sleeps in `epoll_wait` on a thread (30 µs to wake), so that an idle tunnel costs nothing.
 * Timers of the stack and the relays are one `setTimeout`, for the earliest.
 */

import { Arena, LARGE_SLOT } from "../arena.ts";
import type { Settings } from "../config/settings.ts";
import { Counters } from "../counters.ts";
import { errnoName } from "../../ffi/libc.ts";
import { Memory } from "../../ffi/memory.ts";
import { Poller } from "../../ffi/poller_linux.ts";
import { DescriptorIndex } from "../../ffi/tcp_socket_linux.ts";
import type { TunDevice } from "../../ffi/types.ts";
import { VECTOR_SIZE, VectorIo } from "../../ffi/vector_io_linux.ts";
import { TUN_LINK_TAIL, TunLink } from "../link/tun_link.ts";
import { getLogger, type Logger } from "../log.ts";
import { decide } from "../router/router.ts";
import { Stack, type StackHandler } from "../stack/stack.ts";
import type { TcpConnection } from "../stack/tcp/connection.ts";
import type { Packet } from "../wire/packet.ts";
import { type EngineContext, type Flushable, type Readable, RESERVED_SLOTS } from "./context.ts";
import { DnsRelay } from "./dns_relay.ts";
import { ProxyDialer } from "./proxy_dialer.ts";
import { stackOptions } from "./stack_options.ts";
import { TcpRelay } from "./tcp_relay.ts";
import { UdpRelay } from "./udp_relay.ts";
import { UdpVerdict } from "./udp_verdict.ts";

/** Packets that one turn reads before it looks at anything else. */
const BATCH = 64;
/** Turns without work before the loop goes to sleep. */
const IDLE_TURNS = 20;
/** Small slots for each large one: a flow that is idle or chatty holds one of 2 KiB. */
const SMALL_PER_LARGE = 16;
/** A timer that is late by less than this is not set anew. */
const LONGEST_TIMER = 0x7fff_ffff;

export class AsyncEngine implements EngineContext, StackHandler {
  readonly settings: Settings;
  readonly counters = new Counters();
  readonly log: Logger = getLogger(["ztun", "engine"]);
  readonly io: VectorIo;
  readonly descriptors = new DescriptorIndex();
  readonly arena: Arena;
  readonly stack: Stack;
  readonly dialer: ProxyDialer;
  readonly verdict: UdpVerdict;
  readonly udp: UdpRelay;
  readonly dns: DnsRelay;
  readonly #link: TunLink;
  readonly #poller = new Poller();
  readonly #readables = new Map<number, Readable>();
  readonly #relays = new Set<TcpRelay>();
  readonly #unflushed: Flushable[] = [];
  #stopping = false;
  #running = true;
  #slot: number;
  #udpSlot: number;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #timerAt = Infinity;
  #waitingForMemory: (() => void)[] = [];
  #drained: (() => void) | undefined;
  #loop: Promise<void> = Promise.resolve();
  #closed: Promise<void> | undefined;
  #fail: (reason: string) => void = () => {};
  /** Settles with the reason when the loop ends by itself. */
  readonly failed = new Promise<string>((resolve) => this.#fail = resolve);

  constructor(device: TunDevice, settings: Settings) {
    this.settings = settings;
    const large = Math.max(Math.floor(settings.limits.totalBytes / (LARGE_SLOT * 1.5)), 64);
    const small = large * SMALL_PER_LARGE;
    const tailAt = Arena.size(large, small);
    const memory = new Memory(tailAt + TUN_LINK_TAIL + VECTOR_SIZE);
    this.arena = new Arena(memory.bytes, large, small);
    this.io = new VectorIo(memory, tailAt + TUN_LINK_TAIL);
    this.dialer = new ProxyDialer(settings, this.counters, this.log, this.now);
    this.#link = new TunLink(
      device,
      settings.tun.mtu,
      this.arena,
      memory,
      tailAt,
      this.counters,
    );
    this.stack = new Stack(this.#link, this, stackOptions(settings), this.counters);
    this.verdict = new UdpVerdict(this);
    this.dns = new DnsRelay(this, this.verdict, randomKey(), (id) => this.udp.find(id));
    this.udp = new UdpRelay(this, this.verdict, this.dns, randomKey());
    this.dialer.onRecovered = () => void this.verdict.probe();
    this.#slot = this.arena.takeLarge();
    this.#udpSlot = this.arena.takeLarge();
    this.#poller.add(device.fd);
  }

  /** Begins to serve; resolves when it is known what the proxy can do. */
  async start(): Promise<void> {
    this.#loop = this.#run();
    await this.verdict.probe();
  }

  readonly now = (): number => performance.now();

  get tcpRelays(): number {
    return this.#relays.size;
  }

  /** Packet memory that flows hold; the loop's own slots are not counted. */
  get bytesBuffered(): number {
    return this.arena.bytesInUse - 2 * LARGE_SLOT;
  }

  watch(fd: number, readable: Readable): void {
    this.#readables.set(fd, readable);
    this.#poller.add(fd);
  }

  unwatch(fd: number): void {
    this.#readables.delete(fd);
    this.#poller.remove(fd);
  }

  flushLater(relay: Flushable): void {
    this.#unflushed.push(relay);
  }

  settle(): void {
    const now = this.now();
    for (const relay of this.#unflushed) relay.flush();
    this.#unflushed.length = 0;
    this.stack.flush(now);
    this.#wakeForMemory();
    const next = this.#nextDeadline();
    if (next < this.#timerAt) this.#setTimer(next, now);
    if (this.#drained !== undefined && this.#relays.size === 0) this.#drained();
  }

  memoryFree(): Promise<void> {
    return new Promise((resolve) => this.#waitingForMemory.push(resolve));
  }

  tcpOpened(connection: TcpConnection): void {
    const { localAddress } = connection.endpoints;
    if (this.#stopping || decide(localAddress, 0, localAddress.length).decision !== "proxy") {
      return connection.refuse(this.#stopping ? undefined : "prohibited");
    }
    const relay = new TcpRelay(this, connection, (over) => this.#relays.delete(over));
    this.#relays.add(relay);
    void relay.start();
  }

  udpReceived(packet: Packet, sourcePort: number, port: number, at: number, end: number): void {
    this.udp.receive(packet, sourcePort, port, at, end);
  }

  /** No new flows; the live ones get FIN and up to `grace` milliseconds, then RST. */
  async stop(grace: number): Promise<void> {
    this.#stopping = true;
    this.udp.stop();
    this.dns.stop();
    for (const relay of [...this.#relays]) relay.stop();
    this.settle();
    if (this.#relays.size > 0 && grace > 0) await this.#drain(grace);
    await this.close();
  }

  /** Ends everything at once: resets to both sides, sockets closed, memory free. The device is not ours. */
  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    this.#stopping = true;
    for (const relay of [...this.#relays]) relay.abort();
    this.stack.connections.forEach((connection) => connection.abort());
    this.udp.stop();
    this.dns.stop();
    this.#running = false;
    this.#poller.wake();
    this.#wakeForMemory(true);
    await this.verdict.stop();
    await this.#loop;
    // Not before: whoever ended until now took its socket out of it.
    this.#poller.close();
    clearTimeout(this.#timer);
    this.stack.reassembly.clear();
    this.#drained?.();
  }

  #drain(grace: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, grace);
      this.#drained = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  async #run(): Promise<void> {
    let idle = 0;
    while (this.#running && this.#link.failure === 0) {
      const work = this.#turn();
      idle = work > 0 ? 0 : idle + 1;
      if (idle < IDLE_TURNS) await new Promise<void>((next) => setImmediate(next));
      else {
        await this.#poller.wait();
        idle = 0;
      }
    }
    if (this.#link.failure !== 0) {
      this.#fail(`The TUN device failed: ${errnoName(this.#link.failure)}`);
    }
  }

  #turn(): number {
    const work = this.#readLink() + this.#readSockets();
    if (work > 0) this.settle();
    return work;
  }

  #readLink(): number {
    const now = this.now();
    const link = this.#link;
    let count = 0;
    while (count < BATCH) {
      const end = link.receive(this.#slot);
      if (end === this.#slot) break;
      count++;
      this.stack.receive(this.#slot, end, now);
      if (this.arena.references(this.#slot) > 1) this.#nextSlot();
    }
    return count;
  }

  /** Somebody keeps the slot: read into another. There is one: relays leave some alone. */
  #nextSlot(): void {
    this.arena.release(this.#slot);
    this.#slot = this.arena.takeLarge();
    if (this.#slot < 0) throw new Error("No packet memory is left although some is reserved");
  }

  #readSockets(): number {
    if (this.#readables.size === 0) return 0;
    let count = 0;
    for (let ready = this.#poller.ready() - 1; ready >= 0; ready--) {
      count += this.#readables.get(this.#poller.readyAt(ready))?.read(this.#udpSlot) ?? 0;
    }
    return count;
  }

  #wakeForMemory(all = false): void {
    if (this.#waitingForMemory.length === 0) return;
    if (!all && this.arena.freeLarge <= 2 * RESERVED_SLOTS) return;
    for (const resolve of this.#waitingForMemory.splice(0)) resolve();
  }

  #nextDeadline(): number {
    return Math.min(this.stack.nextDeadline, this.udp.nextDeadline, this.dns.nextDeadline);
  }

  #setTimer(at: number, now: number): void {
    clearTimeout(this.#timer);
    this.#timerAt = at;
    this.#timer = setTimeout(
      () => this.#timerFired(),
      Math.min(Math.max(at - now, 0), LONGEST_TIMER),
    );
  }

  #timerFired(): void {
    this.#timerAt = Infinity;
    const now = this.now();
    this.stack.advance(now);
    this.udp.advance(now);
    this.dns.advance(now);
    this.settle();
  }
}

function randomKey(): Uint8Array {
  return crypto.getRandomValues(new Uint8Array(8));
}
