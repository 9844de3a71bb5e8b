/**
 * A connection to the proxy on io_uring: first in promises, for the handshake, then as a flow.
 *
 * It receives into buffers that the kernel takes from a pool when there is something to receive, so a flow
 * that is idle holds none. It sends at once what the kernel takes at once, and waits in the ring for the
 * rest. The number under which the ring knows it stays its own until everything under way has come back.
 */

import { SMALL_SLOT } from "../arena.ts";
import { formatAddress } from "../addr/address.ts";
import { Errno, errnoName, libc } from "../../ffi/libc.ts";
import { PollEvent } from "../../ffi/poller_linux.ts";
import { readSocketAddress } from "../../ffi/socket_address_linux.ts";
import { sendReset } from "../../ffi/tcp_socket_linux.ts";
import type { EngineContext } from "./context.ts";
import type { FlowListener, FlowSocket, ProxyConnection } from "./driver.ts";
import type { UringSockets } from "./uring_sockets.ts";

const SHUT_WR = 1;
const BROKEN = PollEvent.Error | PollEvent.HungUp;

/** A promise that a completion settles. */
interface Waiter<T> {
  resolve(value: T): void;
  reject(error: Error): void;
}

export class UringSocket implements FlowSocket, ProxyConnection {
  /** The ring's name for it. */
  readonly id: number;
  readonly fd: number;
  readonly #context: EngineContext;
  readonly #sockets: UringSockets;
  #listener: FlowListener | undefined;
  #connecting: Waiter<void> | undefined;
  #reading: Waiter<number | null> | undefined;
  #readInto: Uint8Array | undefined;
  #writing: Waiter<void> | undefined;
  /** Requests that will still complete. */
  #underWay = 0;
  #room = 0;
  #closed = false;

  constructor(context: EngineContext, sockets: UringSockets, id: number, fd: number) {
    this.#context = context;
    this.#sockets = sockets;
    this.id = id;
    this.fd = fd;
  }

  get localAddr(): { hostname: string; port: number } {
    return this.#address("getsockname");
  }

  get remoteAddr(): { hostname: string; port: number } {
    return this.#address("getpeername");
  }

  // In promises: the handshake, control connections, DNS.

  /** Connects to the socket address that lies at `addressAt` of the packet memory. */
  connect(addressAt: number, addressLength: number): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#connecting = { resolve, reject };
      this.#underWay++;
      this.#sockets.connect(this, addressAt, addressLength);
    });
  }

  read(into: Uint8Array): Promise<number | null> {
    if (this.#closed) return Promise.reject(closedError());
    return new Promise((resolve, reject) => {
      this.#reading = { resolve, reject };
      this.#readInto = into;
      this.receive(into.length, false);
    });
  }

  async write(bytes: Uint8Array): Promise<number> {
    const { arena } = this.#context;
    const slot = arena.takeSmall();
    if (slot < 0) throw new Error("no packet memory is left");
    const length = Math.min(bytes.length, SMALL_SLOT);
    arena.bytes.set(bytes.subarray(0, length), slot);
    try {
      return await this.#write(slot, slot + length);
    } finally {
      arena.release(slot);
    }
  }

  // In callbacks: a flow.

  carry(listener: FlowListener): void {
    this.#listener = listener;
  }

  receive(room: number, bulk: boolean): void {
    this.#room = room;
    this.#receive(room, !bulk);
  }

  send(at: number, end: number): number {
    const taken = this.sendNow(at, end);
    if (taken < end - at) this.#awaitWritable();
    return taken;
  }

  sendNow(at: number, end: number): number {
    // A broken socket says so when it is waited for.
    return Math.max(this.#sockets.sender.send(this.fd, at, end), 0);
  }

  closeWrite(): void {
    libc().shutdown(this.fd, SHUT_WR);
  }

  reset(): void {
    sendReset(this.fd);
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#listener = undefined;
    this.#sockets.close(this, this.#underWay > 0);
    this.#failPromises();
    if (this.#underWay === 0) this.#sockets.forget(this.id);
  }

  // What completes.

  connected(result: number): void {
    const waiter = this.#connecting;
    this.#connecting = undefined;
    if (this.#isLast()) return;
    if (result < 0) waiter?.reject(new Error(`connect: ${errnoName(-result)}`));
    else waiter?.resolve();
    this.#sockets.settled();
  }

  /** Bytes lie at `at`, in a slot whose one reference is ours; or `length` says why there are none. */
  received(at: number, length: number): void {
    if (this.#isLast()) {
      if (at >= 0) this.#context.arena.release(at);
    } else if (length === -Errno.ENOBUFS) this.#sockets.starve(this);
    else if (this.#listener === undefined) this.#receivedForPromise(at, length);
    else this.#receivedForFlow(this.#listener, at, length);
  }

  receiveAgain(): void {
    if (!this.#closed) this.#receive(this.#room, false);
  }

  /** `events` can be had now, or it is the number of an error. */
  writable(events: number): void {
    if (this.#isLast()) return;
    if (this.#writing === undefined && (events < 0 || (events & BROKEN) !== 0)) {
      this.#listener?.broken();
    } else if (this.#writing !== undefined) {
      this.#writing.resolve();
      this.#writing = undefined;
      this.#sockets.settled();
    } else this.#listener?.sent(0);
  }

  #receive(room: number, pollFirst: boolean): void {
    this.#underWay++;
    this.#sockets.receive(this, room, pollFirst);
  }

  #receivedForFlow(listener: FlowListener, at: number, length: number): void {
    if (length > 0) listener.arrived(at, at + length);
    else if (length === 0) listener.ended();
    else listener.broken();
  }

  #receivedForPromise(at: number, length: number): void {
    const waiter = this.#reading;
    this.#reading = undefined;
    const { arena } = this.#context;
    if (length > 0) this.#readInto?.set(arena.bytes.subarray(at, at + length));
    if (at >= 0) arena.release(at);
    if (length < 0) waiter?.reject(new Error(`recv: ${errnoName(-length)}`));
    else waiter?.resolve(length === 0 ? null : length);
    this.#sockets.settled();
  }

  async #write(at: number, end: number): Promise<number> {
    while (!this.#closed) {
      const taken = this.#sockets.sender.send(this.fd, at, end);
      if (taken >= 0) return taken;
      if (taken !== -Errno.EAGAIN) throw new Error(`send: ${errnoName(-taken)}`);
      await new Promise<void>((resolve, reject) => {
        this.#writing = { resolve, reject };
        this.#awaitWritable();
      });
    }
    throw closedError();
  }

  #awaitWritable(): void {
    this.#underWay++;
    this.#sockets.pollWritable(this, PollEvent.Writable);
  }

  /** One request has completed. True when nobody is interested any more. */
  #isLast(): boolean {
    this.#underWay--;
    if (!this.#closed) return false;
    if (this.#underWay === 0) this.#sockets.forget(this.id);
    return true;
  }

  /** An error costs more than all the rest of a flow's end: there is one only when somebody waits. */
  #failPromises(): void {
    const waiting = this.#connecting ?? this.#reading ?? this.#writing;
    if (waiting === undefined) return;
    const error = closedError();
    this.#connecting?.reject(error);
    this.#reading?.reject(error);
    this.#writing?.reject(error);
    this.#connecting = this.#reading = this.#writing = undefined;
    this.#sockets.settled();
  }

  #address(call: "getsockname" | "getpeername"): { hostname: string; port: number } {
    const bytes = new Uint8Array(128);
    const length = new Uint8Array(128);
    length[0] = bytes.length;
    libc()[call](this.fd, bytes, length);
    const endpoint = readSocketAddress(bytes, 0);
    if (endpoint === undefined) return { hostname: "", port: 0 };
    return { hostname: formatAddress(endpoint.address), port: endpoint.port };
  }
}

function closedError(): Error {
  return new Error("the connection was closed");
}
