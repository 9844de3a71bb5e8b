/**
 * A connection to the proxy through its descriptor: reads and writes that never wait, when epoll
 * says that they may. A flow that is idle holds no memory and no promise.
 */

import { Errno, libc } from "../../ffi/libc.ts";
import { PollEvent } from "../../ffi/poller_linux.ts";
import { sendReset } from "../../ffi/tcp_socket_linux.ts";
import type { EngineContext } from "./context.ts";
import type { ProxySocket, SocketListener } from "./driver.ts";
import { takeSlot } from "./receive_slot.ts";

/** Reads of one flow in a row before others have their turn. */
const BURST = 16;
const SHUT_WR = 1;

const READ_EVENTS = PollEvent.Readable | PollEvent.Ended | PollEvent.HungUp | PollEvent.Error;
const WRITE_EVENTS = PollEvent.Writable | PollEvent.HungUp | PollEvent.Error;
const END_EVENTS = PollEvent.Ended | PollEvent.HungUp | PollEvent.Error;

/** The part of the driver that its sockets use. */
export interface DirectSockets {
  /** The socket has something to read although epoll need not say so again. */
  readAgain(socket: DirectSocket): void;
  /** The socket is about to be closed. */
  forget(fd: number): void;
}

export class DirectSocket implements ProxySocket {
  listener: SocketListener;
  readonly fd: number;
  readonly #context: EngineContext;
  readonly #sockets: DirectSockets;
  readonly #connection: Deno.TcpConn;
  /** Bytes that the listener wants; 0 when none. */
  #room = 0;
  #bulk = false;
  #readable = false;
  /** No more will come after what is there: epoll will not speak of it again. */
  #ending = false;
  #sending = false;
  #broken = false;
  #queued = false;
  #starving = false;
  #closed = false;

  constructor(
    context: EngineContext,
    sockets: DirectSockets,
    connection: Deno.TcpConn,
    fd: number,
    listener: SocketListener,
  ) {
    this.#context = context;
    this.#sockets = sockets;
    this.#connection = connection;
    this.fd = fd;
    this.listener = listener;
  }

  get localAddr(): Deno.NetAddr {
    return this.#connection.localAddr;
  }

  get remoteAddr(): Deno.NetAddr {
    return this.#connection.remoteAddr;
  }

  receive(room: number, bulk: boolean): void {
    this.#room = room;
    this.#bulk = bulk;
    if (this.#readable) this.#readSoon();
  }

  send(at: number, end: number): number {
    const taken = this.sendNow(at, end);
    this.#sending = taken < end - at;
    return taken;
  }

  sendNow(at: number, end: number): number {
    const taken = this.#context.io.write(this.fd, at, end);
    if (taken >= 0) return taken;
    if (taken !== -Errno.EAGAIN) {
      // To be said in a moment: nobody expects it from within this call.
      this.#broken = true;
      this.#readSoon();
    }
    return 0;
  }

  closeWrite(): void {
    libc().shutdown(this.fd, SHUT_WR);
  }

  reset(): void {
    sendReset(this.fd);
  }

  close(): void {
    this.#closed = true;
    this.#sockets.forget(this.fd);
    this.#connection.close();
  }

  /** What epoll says of it. */
  ready(events: number): void {
    if ((events & END_EVENTS) !== 0) this.#ending = true;
    if ((events & WRITE_EVENTS) !== 0 && this.#sending) {
      this.#sending = false;
      this.listener.sent(0);
    }
    if ((events & READ_EVENTS) !== 0) this.#readable = true;
    if (this.#readable) this.read();
  }

  /** Reads what is there, as far as the listener wants it and others do not wait for long. */
  read(): void {
    this.#queued = false;
    if (this.#broken && !this.#closed) return this.listener.broken("reset");
    for (let count = 0; count < BURST; count++) {
      if (this.#closed || !this.#readable || this.#room === 0) return;
      const slot = takeSlot(this.#context.arena, this.#bulk);
      if (slot < 0) return this.#readWhenMemory();
      this.#readInto(slot, this.#room);
    }
    if (this.#readable && this.#room > 0) this.#readSoon();
  }

  #readInto(slot: number, room: number): void {
    const length = this.#context.io.read(this.fd, slot, room);
    if (length > 0) {
      // Less than there was room for: the rest is yet to come, and epoll will say so.
      if (length < room && !this.#ending) this.#readable = false;
      this.#room = 0;
      return this.listener.arrived(slot, slot + length);
    }
    this.#context.arena.release(slot);
    this.#readable = false;
    if (length === -Errno.EAGAIN) return;
    this.#room = 0;
    if (length === 0) this.listener.ended();
    else this.listener.broken("reset");
  }

  /** Once: epoll may speak of the socket many times until then. */
  #readWhenMemory(): void {
    if (this.#starving) return;
    this.#starving = true;
    this.#context.whenMemory(() => {
      this.#starving = false;
      this.#readSoon();
    });
  }

  #readSoon(): void {
    if (this.#queued || this.#closed) return;
    this.#queued = true;
    this.#sockets.readAgain(this);
  }
}
