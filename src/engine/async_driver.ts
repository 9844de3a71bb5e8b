/**
 * The driver that works everywhere: connections are Deno's own, and the loop takes turns with its event
 * loop.
 *
 * While there is traffic a turn costs 1.4 µs; after some turns with nothing to do the loop sleeps in
 * `poll` on a thread (30 µs to wake), so that an idle tunnel costs nothing.
 */

import { type Arena, LARGE_SLOT } from "../arena.ts";
import { Poller } from "../../ffi/poller_linux.ts";
import { DescriptorIndex } from "../../ffi/tcp_socket_linux.ts";
import type { TunLink } from "../link/tun_link.ts";
import type { EngineContext } from "./context.ts";
import { DenoConnecting } from "./deno_connecting.ts";
import { DenoSocket } from "./deno_socket.ts";
import { DirectSocket, type DirectSockets } from "./direct_socket.ts";
import type {
  Connecting,
  ConnectListener,
  Driver,
  DriverParts,
  EngineLoop,
  ProxySocket,
  Readable,
  SocketListener,
} from "./driver.ts";

/** Packets that one turn reads before it looks at anything else. */
const BATCH = 64;
/** Turns without work before the loop goes to sleep. */
const IDLE_TURNS = 20;
/** The longest time that a timer can be set to. */
const LONGEST_TIMER = 0x7fff_ffff;

/** Where the descriptors of Deno's connections are found. */
type Descriptors = Pick<DescriptorIndex, "find" | "release">;

export class AsyncDriver implements Driver, DirectSockets {
  readonly name = "async";
  readonly #context: EngineContext;
  readonly #loop: EngineLoop;
  readonly #link: TunLink;
  readonly #arena: Arena;
  readonly #poller = new Poller();
  readonly #descriptors: Descriptors;
  readonly #readables = new Map<number, Readable>();
  readonly #flows = new Map<number, DirectSocket>();
  #readAgain: DirectSocket[] = [];
  #reading: DirectSocket[] = [];
  #running = true;
  #asleep = false;
  #slot: number;
  #udpSlot: number;
  #timer: ReturnType<typeof setTimeout> | undefined;
  bytesHeld = 2 * LARGE_SLOT;

  constructor(
    { context, loop, link }: DriverParts,
    descriptors: Descriptors = new DescriptorIndex(),
  ) {
    this.#context = context;
    this.#descriptors = descriptors;
    this.#loop = loop;
    this.#link = link;
    this.#arena = context.arena;
    this.#slot = this.#arena.takeLarge();
    this.#udpSlot = this.#arena.takeLarge();
    this.#poller.add(link.fd);
  }

  connect(hosts: readonly string[], port: number, listener: ConnectListener): Connecting {
    const connecting = new DenoConnecting(this.#context, listener);
    void connecting.start(hosts, port, (connection) => this.#carry(connection, listener));
    return connecting;
  }

  watch(fd: number, readable: Readable): void {
    this.#readables.set(fd, readable);
    this.#poller.add(fd);
  }

  unwatch(fd: number): void {
    this.#readables.delete(fd);
    this.#poller.remove(fd);
  }

  readAgain(socket: DirectSocket): void {
    this.#readAgain.push(socket);
    if (this.#asleep) this.#poller.wake();
  }

  forget(fd: number): void {
    this.#flows.delete(fd);
    this.#poller.remove(fd);
    this.#descriptors.release(fd);
  }

  /** It always turns. */
  holdEventLoop(): () => void {
    return () => {};
  }

  setAlarm(at: number, now: number): void {
    clearTimeout(this.#timer);
    const delay = Math.min(Math.max(at - now, 0), LONGEST_TIMER);
    this.#timer = setTimeout(() => this.#loop.alarm(this.#context.now()), delay);
  }

  async run(): Promise<number> {
    let idle = 0;
    while (this.#running && this.#link.failure === 0) {
      idle = this.#turn() > 0 ? 0 : idle + 1;
      if (idle < IDLE_TURNS) await new Promise<void>((next) => setImmediate(next));
      else {
        this.#asleep = true;
        await this.#poller.wait();
        this.#asleep = false;
        idle = 0;
      }
    }
    return this.#link.failure;
  }

  stop(): void {
    this.#running = false;
    this.#poller.wake();
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#poller.close();
    this.#arena.release(this.#slot);
    this.#arena.release(this.#udpSlot);
    this.bytesHeld = 0;
  }

  #carry(connection: Deno.TcpConn, listener: SocketListener): ProxySocket {
    const fd = this.#descriptors.find(connection);
    if (fd < 0) return new DenoSocket(this.#context, connection, listener);
    const socket = new DirectSocket(this.#context, this, connection, fd, listener);
    this.#flows.set(fd, socket);
    this.#poller.addEdges(fd);
    return socket;
  }

  #turn(): number {
    const now = this.#context.now();
    this.#loop.begin(now);
    const work = this.#readLink(now) + this.#readSockets();
    if (work > 0) this.#loop.settle(now);
    return work;
  }

  #readLink(now: number): number {
    let count = 0;
    while (count < BATCH) {
      const end = this.#link.receive(this.#slot);
      if (end === this.#slot) break;
      count++;
      this.#loop.packet(this.#slot, end, now);
      if (this.#arena.references(this.#slot) > 1) this.#nextSlot();
    }
    return count;
  }

  /** Somebody keeps the slot: read into another. There is one: relays leave some alone. */
  #nextSlot(): void {
    this.#arena.release(this.#slot);
    this.#slot = this.#arena.takeLarge();
    if (this.#slot < 0) throw new Error("No packet memory is left although some is reserved");
  }

  #readSockets(): number {
    let count = this.#readKnown();
    if (this.#flows.size + this.#readables.size === 0) return count;
    for (let ready = this.#poller.ready() - 1; ready >= 0; ready--) {
      count += this.#readReady(this.#poller.readyAt(ready), this.#poller.eventsAt(ready));
    }
    return count;
  }

  /** Sockets of which it is known that there is more. */
  #readKnown(): number {
    const sockets = this.#readAgain;
    if (sockets.length === 0) return 0;
    this.#readAgain = this.#reading;
    this.#reading = sockets;
    for (const socket of sockets) socket.read();
    const count = sockets.length;
    sockets.length = 0;
    return count;
  }

  #readReady(fd: number, events: number): number {
    const flow = this.#flows.get(fd);
    if (flow === undefined) return this.#readables.get(fd)?.read(this.#udpSlot) ?? 0;
    flow.ready(events);
    return 1;
  }
}
