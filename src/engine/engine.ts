/**
 * The engine: the stack and the relays, joined by one loop that a driver runs.
 *
 * The driver waits, moves bytes, and calls; everything that is decided is decided here and in the relays,
 * the same way whichever driver it is.
 */

import { Arena, LARGE_SLOT } from "../arena.ts";
import type { Settings } from "../config/settings.ts";
import { Counters } from "../counters.ts";
import { errnoName } from "../../ffi/libc.ts";
import { Memory } from "../../ffi/memory.ts";
import type { TunDevice } from "../../ffi/types.ts";
import { VECTOR_SIZE, VectorIo } from "../../ffi/vector_io_linux.ts";
import { TUN_LINK_TAIL, TunLink } from "../link/tun_link.ts";
import { getLogger, type Logger } from "../log.ts";
import { decide } from "../router/router.ts";
import { Stack, type StackHandler } from "../stack/stack.ts";
import type { TcpConnection, TcpEndpoints } from "../stack/tcp/connection.ts";
import type { Packet } from "../wire/packet.ts";
import { type Alarm, Alarms } from "./alarms.ts";
import { AsyncDriver } from "./async_driver.ts";
import { type EngineContext, type Flushable, RESERVED_SLOTS } from "./context.ts";
import { DnsRelay } from "./dns_relay.ts";
import { type Driver, DRIVER_MEMORY, type DriverParts, type EngineLoop } from "./driver.ts";
import { Housekeeping } from "./housekeeping.ts";
import type { EngineOptions } from "./engine_handle.ts";
import { type FlowSample, flowSample } from "./flow_sample.ts";
import { ProxyDialer } from "./proxy_dialer.ts";
import type { ProxyPath } from "./proxy_path.ts";
import { RelayList } from "./relay_list.ts";
import { stackOptions } from "./stack_options.ts";
import { TcpRelay } from "./tcp_relay.ts";
import { UdpRelay } from "./udp_relay.ts";
import { UdpVerdict } from "./udp_verdict.ts";

/** Small slots for each large one: a flow that is idle or chatty holds one of 2 KiB. */
const SMALL_PER_LARGE = 16;
export class Engine implements EngineContext, EngineLoop, StackHandler {
  readonly settings: Settings;
  readonly counters = new Counters();
  readonly log: Logger = getLogger(["ztun", "engine"]);
  readonly io: VectorIo;
  readonly driver: Driver;
  readonly arena: Arena;
  readonly stack: Stack;
  readonly dialer: ProxyDialer;
  readonly verdict: UdpVerdict;
  readonly udp: UdpRelay;
  readonly dns: DnsRelay;
  readonly mark: number;
  readonly #alarms = new Alarms();
  readonly #housekeeping: Housekeeping;
  readonly #relays = new RelayList();
  readonly #relayOver = (relay: TcpRelay) => this.#relays.remove(relay);
  readonly #unflushed: (Flushable | undefined)[] = [];
  #unflushedCount = 0;
  /** The ends of the TCP flow that was opened last, until somebody asks. */
  #newest: TcpEndpoints | undefined;
  #stopping = false;
  /** The device is gone: nothing that flows would still do can be done. */
  #broken = false;
  #alarmAt = Infinity;
  #waitingForMemory: (() => void)[] = [];
  #drained: (() => void) | undefined;
  #loop: Promise<void> = Promise.resolve();
  #closed: Promise<void> | undefined;
  #fail: (reason: string) => void = () => {};
  /** Settles with the reason when the loop ends by itself. */
  readonly failed = new Promise<string>((resolve) => this.#fail = resolve);

  constructor(
    device: TunDevice,
    settings: Settings,
    makeDriver: (parts: DriverParts) => Driver = (parts) => new AsyncDriver(parts),
    { mark = 0, path }: EngineOptions = {},
  ) {
    this.settings = settings;
    this.mark = mark;
    const large = Math.max(Math.floor(settings.limits.totalBytes / (LARGE_SLOT * 1.5)), 64);
    const small = large * SMALL_PER_LARGE;
    const tailAt = Arena.size(large, small);
    const privateAt = tailAt + TUN_LINK_TAIL + VECTOR_SIZE;
    const memory = new Memory(privateAt + DRIVER_MEMORY);
    this.arena = new Arena(memory.bytes, large, small);
    this.io = new VectorIo(memory, tailAt + TUN_LINK_TAIL);
    const link = new TunLink(
      device,
      settings.tun.mtu,
      this.arena,
      memory,
      tailAt,
      this.counters,
    );
    this.driver = makeDriver({ context: this, loop: this, link, memory, privateAt });
    this.dialer = new ProxyDialer(
      settings,
      this.counters,
      this.log,
      this,
      this.arena,
      this.driver,
      path,
    );
    this.stack = new Stack(link, this, stackOptions(settings), this.counters);
    this.verdict = new UdpVerdict(this);
    this.dns = new DnsRelay(this, this.verdict, randomKey(), (id) => this.udp.find(id));
    this.udp = new UdpRelay(this, this.verdict, this.dns, randomKey());
    this.dialer.onRecovered = () => void this.verdict.probe();
    this.#housekeeping = new Housekeeping(this, memory);
  }

  /** Begins to serve; resolves when it is known what the proxy can do. */
  async start(): Promise<void> {
    this.#loop = this.#run();
    await this.verdict.probe();
  }

  /** The proxy is somewhere else now, or this host is; or there is no way, or one again. */
  follow(path: ProxyPath): void {
    if (this.#closed !== undefined) return;
    this.begin();
    const change = this.dialer.follow(path);
    const ended = this.#relays.all.filter((relay) => relay.follow(change)).length;
    this.udp.follow(change);
    this.dns.follow(change);
    this.verdict.follow(change);
    this.dialer.way.resume();
    this.settle();
    this.counters.proxyCutOff += ended;
    if (ended > 0) {
      this.log.info("{ended} connections have ended with an address of this host", { ended });
    }
  }

  /** The newest TCP flow since the last time that somebody asked. */
  newestFlow(): FlowSample | undefined {
    const newest = this.#newest;
    this.#newest = undefined;
    return newest === undefined ? undefined : flowSample(newest);
  }

  readonly now = (): number => performance.now();

  get tcpRelays(): number {
    return this.#relays.size;
  }

  /** Packet memory that flows hold; the driver's own slots are not counted. */
  get bytesBuffered(): number {
    return this.arena.bytesInUse - this.driver.bytesHeld;
  }

  after(milliseconds: number, callback: () => void): Alarm {
    const now = this.now();
    const alarm = this.#alarms.set(now + milliseconds, callback);
    this.#wakeAt(alarm.deadline, now);
    return alarm;
  }

  flushLater(relay: Flushable): void {
    this.#unflushed[this.#unflushedCount++] = relay;
  }

  begin(now = this.now()): void {
    this.stack.now = now;
  }

  settle(now = this.now()): void {
    for (let i = 0; i < this.#unflushedCount; i++) {
      const relay = this.#unflushed[i]!;
      this.#unflushed[i] = undefined;
      relay.flush();
    }
    // Not `length = 0`, which gives the array back: the next batch would allocate another one.
    this.#unflushedCount = 0;
    this.stack.flush(now);
    this.#wakeForMemory();
    if (!this.#stopping) this.#housekeeping.notice();
    this.#setAlarm(now);
    if (this.#drained !== undefined && this.#relays.size === 0) this.#drained();
  }

  whenMemory(callback: () => void): void {
    this.#waitingForMemory.push(callback);
  }

  packet(at: number, end: number, now: number): void {
    this.stack.receive(at, end, now);
  }

  alarm(now: number): void {
    this.#alarmAt = Infinity;
    this.stack.advance(now);
    this.udp.advance(now);
    this.dns.advance(now);
    this.#alarms.advance(now);
    this.settle(now);
  }

  tcpOpened(connection: TcpConnection): void {
    const { localAddress } = connection.endpoints;
    if (this.#stopping || decide(localAddress, 0, localAddress.length).decision !== "proxy") {
      return connection.refuse(this.#stopping ? undefined : "prohibited");
    }
    this.#newest = connection.endpoints;
    const relay = new TcpRelay(this, connection, this.#relayOver);
    this.#relays.add(relay);
    relay.start(localAddress);
  }

  udpReceived(packet: Packet, sourcePort: number, port: number, at: number, end: number): void {
    this.udp.receive(packet, sourcePort, port, at, end);
  }

  /** No new flows; the live ones get FIN and up to `grace` milliseconds, then RST. */
  async stop(grace: number): Promise<void> {
    this.#stopping = true;
    this.begin();
    // While there are mappings: who waits for an answer is told that there is none.
    this.dns.stop();
    this.udp.stop();
    for (const relay of this.#relays.all) relay.stop();
    this.settle();
    if (this.#relays.size > 0 && grace > 0 && !this.#broken) await this.#drain(grace);
    await this.close();
  }

  /** Ends everything at once: resets to both sides, sockets closed, memory free. The device is not ours. */
  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    this.#stopping = true;
    this.begin();
    for (const relay of this.#relays.all) relay.abort();
    this.stack.connections.forEach((connection) => connection.abort());
    this.dns.stop();
    this.udp.stop();
    this.#wakeForMemory(true);
    await this.verdict.stop();
    this.#housekeeping.stop();
    this.driver.stop();
    await this.#loop;
    // Not before: whoever ended until now took its socket out of it.
    this.driver.close();
    this.stack.reassembly.clear();
    this.#drained?.();
  }

  #drain(grace: number): Promise<void> {
    return new Promise((resolve) => {
      const alarm = this.after(grace, resolve);
      this.#drained = () => {
        alarm.cancel();
        resolve();
      };
    });
  }

  async #run(): Promise<void> {
    const failure = await this.driver.run();
    if (failure === 0) return;
    this.#broken = true;
    this.#drained?.();
    this.#fail(`The TUN device failed: ${errnoName(failure)}`);
  }

  #wakeForMemory(all = false): void {
    if (this.#waitingForMemory.length === 0) return;
    if (!all && this.arena.freeLarge <= 2 * RESERVED_SLOTS) return;
    for (const callback of this.#waitingForMemory.splice(0)) callback();
  }

  #setAlarm(now: number): void {
    const next = Math.min(
      this.stack.nextDeadline,
      this.udp.nextDeadline,
      this.dns.nextDeadline,
      this.#alarms.nextDeadline,
    );
    this.#wakeAt(next, now);
  }

  #wakeAt(next: number, now: number): void {
    if (next >= this.#alarmAt) return;
    this.#alarmAt = next;
    this.driver.setAlarm(next, now);
  }
}

function randomKey(): Uint8Array {
  return crypto.getRandomValues(new Uint8Array(8));
}
