/**
 * The driver of a thread of its own: device and sockets on one io_uring, in whose `wait` the thread blocks.
 *
 * Nothing else runs on the thread meanwhile: no promise, no timer, no message. When one of them needs
 * Deno's event loop the wait steps aside: both take turns, in short waits, until the event loop is no longer
 * held.
 */

import { type Arena, LARGE_SLOT } from "../arena.ts";
import { parseAddress } from "../addr/address.ts";
import { Errno } from "../../ffi/libc.ts";
import type { EventFd } from "../../ffi/event_fd_linux.ts";
import { PollEvent } from "../../ffi/poller_linux.ts";
import { resolveHost } from "../../ffi/resolve_linux.ts";
import { StreamSender } from "../../ffi/stream_sender_linux.ts";
import { bufferOf, hasBuffer, hasMore, Ring } from "../../ffi/uring_linux.ts";
import type { EngineContext } from "./context.ts";
import { RESERVED_SLOTS } from "./context.ts";
import type {
  Connecting,
  ConnectListener,
  Driver,
  DriverParts,
  EngineLoop,
  Readable,
} from "./driver.ts";
import { SlotGroup } from "./slot_group.ts";
import { UringConnecting } from "./uring_connecting.ts";
import { Kind, UringSockets } from "./uring_sockets.ts";

const ENTRIES = 2_048;
const COMPLETIONS = 8_192;
const DEVICE_GROUP = 0;
const SOCKET_GROUP = 1;
/** Buffers of each group: as many as fill while one batch is worked on, but not all the memory there is. */
const MOST_SLOTS = 32;
const SHARE_OF_SLOTS = 1 / 8;
/** How long the ring is waited for, in milliseconds, while the event loop is to have its turns as well. */
const SHORT_WAIT = 1;

/** How the thread is reached from outside. */
export interface Wakeable {
  /** Another thread signals it when it has sent a message, or wants anything else of this one. */
  readonly wake: EventFd;
  /** Whether a message is on its way that the event loop has not delivered yet. */
  readonly expectsMessage: () => boolean;
}

export class UringDriver implements Driver {
  readonly name = "uring";
  readonly #context: EngineContext;
  readonly #loop: EngineLoop;
  readonly #arena: Arena;
  readonly #deviceFd: number;
  readonly #ring: Ring;
  readonly #packets: SlotGroup;
  readonly #received: SlotGroup;
  readonly #sockets: UringSockets;
  readonly #wake: EventFd;
  readonly #expectsMessage: () => boolean;
  readonly #readables = new Map<number, Readable>();
  /** Sockets that may have more to read than they were asked for. */
  readonly #ready = new Set<Readable>();
  readonly #datagramSlot: number;
  /** Whose addresses were read last: the same for one connection after the other. */
  #hosts: readonly string[] = [];
  #addresses: readonly Uint8Array[] = [];
  /** The one that is no address, if there is such. */
  #name: string | undefined;
  #holds = 0;
  #deviceArmed = false;
  #running = true;
  #closed = false;
  #failure = 0;
  #alarmAt = Infinity;
  #alarmArmed = false;
  /** When the last round began to work. */
  #now = 0;

  /** Throws a `SysError` when the kernel does not allow it. */
  constructor({ context, loop, link, memory, privateAt }: DriverParts, outside: Wakeable) {
    const { arena } = context;
    this.#context = context;
    this.#loop = loop;
    this.#arena = arena;
    this.#deviceFd = link.fd;
    this.#ring = new Ring({ entries: ENTRIES, completions: COMPLETIONS, memory });
    const slots = Math.min(
      MOST_SLOTS,
      2 ** Math.floor(Math.log2(arena.largeCount * SHARE_OF_SLOTS)),
    );
    try {
      this.#packets = new SlotGroup(this.#ring, DEVICE_GROUP, slots, arena, 0);
      this.#received = new SlotGroup(this.#ring, SOCKET_GROUP, slots, arena, RESERVED_SLOTS);
    } catch (error) {
      // The thread may end, and its descriptors stay.
      this.#ring.close();
      throw error;
    }
    const sender = new StreamSender(memory, privateAt);
    this.#sockets = new UringSockets(this.#ring, arena, this.#received, sender);
    this.#datagramSlot = arena.takeLarge();
    this.#wake = outside.wake;
    this.#expectsMessage = outside.expectsMessage;
    this.#ring.pollMultishot(this.#wake.fd, PollEvent.Readable, 0, Kind.Wake);
  }

  get bytesHeld(): number {
    if (this.#closed) return 0;
    return this.#packets.bytesHeld + this.#received.bytesHeld + LARGE_SLOT;
  }

  connect(hosts: readonly string[], port: number, listener: ConnectListener): Connecting {
    const connecting = new UringConnecting(
      this.#context,
      this.#ring,
      this.#sockets,
      port,
      listener,
    );
    if (hosts !== this.#hosts) this.#readHosts(hosts);
    if (this.#name === undefined) connecting.start(this.#addresses);
    else void this.#resolve(this.#name, connecting);
    return connecting;
  }

  watch(fd: number, readable: Readable): void {
    this.#readables.set(fd, readable);
    this.#ring.pollMultishot(fd, PollEvent.Readable, fd, Kind.Watched);
  }

  unwatch(fd: number): void {
    const readable = this.#readables.get(fd);
    if (readable !== undefined) this.#ready.delete(readable);
    this.#readables.delete(fd);
    this.#ring.pollRemove(fd, Kind.Watched, fd, Kind.None);
    // Before the descriptor is closed, and its number given to another.
    this.#ring.submit();
  }

  holdEventLoop(): () => void {
    this.#holds++;
    let held = true;
    return () => {
      if (held) this.#holds--;
      held = false;
    };
  }

  setAlarm(at: number, now: number): void {
    this.#alarmAt = at;
    this.#armAlarm(now);
  }

  async run(): Promise<number> {
    // Whoever has called goes on first.
    await quickTurn();
    while (this.#running && this.#failure === 0) {
      const work = this.#round(this.#needsTurns ? SHORT_WAIT : Infinity);
      if (this.#needsTurns) await (work > 0 ? quickTurn() : wholeTurn());
    }
    return this.#failure;
  }

  stop(): void {
    this.#running = false;
  }

  close(): void {
    this.#sockets.closeAll();
    this.#ring.cancelAll(0, Kind.None);
    this.#ring.submit();
    while (this.#sockets.size > 0 || this.#deviceArmed) {
      this.#ring.wait(Infinity);
      this.#complete();
    }
    this.#packets.close();
    this.#received.close();
    this.#arena.release(this.#datagramSlot);
    this.#ring.close();
    this.#closed = true;
  }

  /** Whether somebody waits for what only the event loop can do. */
  get #needsTurns(): boolean {
    return this.#holds > 0 || this.#expectsMessage();
  }

  /** Hands over what is prepared, and works on what is done, how much; waits up to so long for something. */
  #round(patience: number): number {
    this.#prepareBuffers();
    if (this.#ready.size > 0) this.#ring.submit();
    else this.#ring.wait(patience);
    this.#now = this.#context.now();
    this.#loop.begin(this.#now);
    const work = this.#complete() + this.#readReady();
    if (work > 0) this.#loop.settle(this.#now);
    if (this.#now >= this.#alarmAt) {
      this.#alarmAt = Infinity;
      this.#loop.alarm(this.#now);
    }
    return work;
  }

  #prepareBuffers(): void {
    this.#packets.fill();
    this.#packets.commit();
    this.#received.fill();
    this.#received.commit();
    if (!this.#received.isEmpty) this.#sockets.feedStarved();
    if (this.#deviceArmed || this.#packets.isEmpty) return;
    this.#ring.readMultishot(this.#deviceFd, DEVICE_GROUP, 0, Kind.Packet);
    this.#deviceArmed = true;
  }

  #complete(): number {
    const ring = this.#ring;
    const count = ring.ready();
    const now = this.#now;
    for (let i = 0; i < count; i++) {
      const kind = ring.completionKind(i);
      const tag = ring.completionTag(i);
      const result = ring.completionResult(i);
      const flags = ring.completionFlags(i);
      if (kind === Kind.Packet) this.#packet(result, flags, now);
      else if (kind >= Kind.Connect) this.#sockets.completed(tag, kind, result, flags);
      else if (kind === Kind.Watched) this.#watched(tag, result, flags);
      else if (kind === Kind.Wake) this.#woken(flags);
      else if (kind === Kind.Alarm) this.#alarmPassed(now);
    }
    ring.consumed(count);
    return count;
  }

  #packet(result: number, flags: number, now: number): void {
    if (!hasMore(flags)) this.#deviceArmed = false;
    if (hasBuffer(flags)) {
      const buffer = bufferOf(flags);
      const at = this.#packets.at(buffer);
      if (result > 0) this.#loop.packet(at, at + result, now);
      if (this.#arena.references(at) === 1) this.#packets.giveBack(buffer);
      else this.#arena.release(this.#packets.take(buffer));
    }
    // A device that has gone reads as an end.
    if (result === 0) this.#failure = Errno.ENODEV;
    else if (result < 0 && !passes(-result)) this.#failure = -result;
  }

  #watched(fd: number, result: number, flags: number): void {
    const readable = this.#readables.get(fd);
    if (readable === undefined || result < 0) return;
    this.#ready.add(readable);
    if (!hasMore(flags)) this.#ring.pollMultishot(fd, PollEvent.Readable, fd, Kind.Watched);
  }

  /** One timeout in the ring: to set a timer for each wait costs a guest of a hypervisor more than all else. */
  #armAlarm(now: number): void {
    const wait = this.#alarmAt - now;
    if (this.#alarmArmed) this.#ring.timeoutUpdate(wait, 0, Kind.Alarm, 0, Kind.None);
    else this.#ring.timeout(wait, 0, Kind.Alarm);
    this.#alarmArmed = true;
  }

  /** Perhaps too early: for an alarm that came earlier than was thought, or by parts of a millisecond. */
  #alarmPassed(now: number): void {
    this.#alarmArmed = false;
    if (now < this.#alarmAt && this.#alarmAt !== Infinity) this.#armAlarm(now);
  }

  #woken(flags: number): void {
    this.#wake.drain();
    if (!hasMore(flags)) {
      this.#ring.pollMultishot(this.#wake.fd, PollEvent.Readable, 0, Kind.Wake);
    }
  }

  /** The ring says once that a socket has something: it is read until it has nothing. */
  #readReady(): number {
    let count = 0;
    for (const readable of this.#ready) {
      const work = readable.read(this.#datagramSlot);
      if (work === 0) this.#ready.delete(readable);
      count += work;
    }
    return count;
  }

  #readHosts(hosts: readonly string[]): void {
    const addresses = hosts.map(parseAddress);
    this.#hosts = hosts;
    this.#addresses = addresses.filter((address) => address !== undefined);
    this.#name = hosts.find((_, index) => addresses[index] === undefined);
  }

  async #resolve(hostname: string, connecting: UringConnecting): Promise<void> {
    const release = this.holdEventLoop();
    try {
      connecting.start(await resolveHost(hostname));
    } catch (error) {
      connecting.fail(error instanceof Error ? error.message : String(error));
    } finally {
      release();
    }
  }
}

/** A turn of the event loop; but to its own sockets Deno looks only every 61 of these. */
function quickTurn(): Promise<void> {
  return new Promise((next) => setImmediate(next));
}

/** A turn in which Deno looks at everything, a millisecond long. */
function wholeTurn(): Promise<void> {
  return new Promise((next) => setTimeout(next, 0));
}

/** Whether reading the device again may work. */
function passes(code: number): boolean {
  return code === Errno.ENOBUFS || code === Errno.EINTR || code === Errno.EAGAIN ||
    code === Errno.ECANCELED;
}
