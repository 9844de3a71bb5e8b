/**
 * Waiting for several descriptors at once, without blocking the event loop: epoll.
 *
 * `ready` asks and returns at once; `wait` sleeps on a thread of its own, costs some 30 µs, and is ended
 * by `wake` as well as by a descriptor. It sleeps in `poll` on the epoll descriptor: so it takes no event
 * away from `ready`.
 */

import { get32le, set32le } from "../src/bytes.ts";
import { EventFd } from "./event_fd_linux.ts";
import { check, libc } from "./libc.ts";

const EPOLL_CLOEXEC = 0o2000000;
const EPOLL_CTL_ADD = 1;
const EPOLL_CTL_DEL = 2;
const EDGES = 2 ** 31;
const POLLIN = 1;

/** `struct epoll_event` is packed on x86-64 only. */
const EVENT_SIZE = Deno.build.arch === "x86_64" ? 12 : 16;
const EVENT_DATA = EVENT_SIZE - 8;
const EVENTS = 64;

/** What can be said of a descriptor. */
export const PollEvent = {
  Readable: 1,
  Writable: 4,
  Error: 8,
  HungUp: 0x10,
  /** The far end sends no more. */
  Ended: 0x2000,
} as const;

const ALL_EDGES = PollEvent.Readable + PollEvent.Writable + PollEvent.Ended + EDGES;

export class Poller {
  readonly #epoll: number;
  readonly #wakeup = new EventFd();
  readonly #events = new Uint8Array(EVENTS * EVENT_SIZE);
  /** `struct pollfd`: the epoll descriptor, and what it is waited for. */
  readonly #polled = new Uint8Array(128);
  readonly #one = new Uint8Array(128);
  #waiting: Promise<void> | undefined;

  constructor() {
    this.#epoll = check("epoll_create1", libc().epoll_create1(EPOLL_CLOEXEC));
    this.add(this.#wakeup.fd);
    set32le(this.#polled, 0, this.#epoll);
    set32le(this.#polled, 4, POLLIN);
  }

  /** Watches `fd` for something to read. */
  add(fd: number): void {
    this.#add(fd, PollEvent.Readable);
  }

  /** Watches a connection for everything; each change is told once. */
  addEdges(fd: number): void {
    this.#add(fd, ALL_EDGES);
  }

  remove(fd: number): void {
    check("epoll_ctl", libc().epoll_ctl(this.#epoll, EPOLL_CTL_DEL, fd, this.#one));
  }

  /** How many descriptors are ready now; `readyAt` tells which. */
  ready(): number {
    return Math.max(libc().epoll_wait(this.#epoll, this.#events, EVENTS, 0), 0);
  }

  readyAt(index: number): number {
    return get32le(this.#events, index * EVENT_SIZE + EVENT_DATA);
  }

  eventsAt(index: number): number {
    return get32le(this.#events, index * EVENT_SIZE);
  }

  /** Resolves when a descriptor is ready or somebody calls `wake`. */
  wait(): Promise<void> {
    this.#waiting ??= this.#sleep();
    return this.#waiting;
  }

  /** Ends a `wait`, the present one or the next. */
  wake(): void {
    this.#wakeup.signal();
  }

  /** Closes the descriptors. The caller has seen to it that nobody waits. */
  close(): void {
    this.#wakeup.close();
    libc().close(this.#epoll);
  }

  #add(fd: number, events: number): void {
    set32le(this.#one, 0, events);
    set32le(this.#one, EVENT_DATA, fd);
    check("epoll_ctl", libc().epoll_ctl(this.#epoll, EPOLL_CTL_ADD, fd, this.#one));
  }

  async #sleep(): Promise<void> {
    await libc().poll_blocking(this.#polled, 1, -1);
    this.#wakeup.drain();
    this.#waiting = undefined;
  }
}
