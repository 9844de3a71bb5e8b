/**
 * One direction of a TCP flow: what the local host sends, on its way to the proxy's socket.
 *
 * A super-segment is written straight from the slot that it was read into. Small segments gather until the
 * end of the batch, and go in one write. What the socket does not take waits in a queue, and the window
 * that the local host sees shrinks by it.
 */

import type { TcpConnection } from "../stack/tcp/connection.ts";
import type { EngineContext, Flushable } from "./context.ts";
import type { ProxySocket } from "./proxy_socket.ts";
import { SMALL_PAYLOAD, UploadQueue } from "./upload_queue.ts";

export interface UploadEvents {
  /** Everything is written, and the end of it passed on. */
  uploaded(): void;
  /** The socket is broken. */
  broken(): void;
}

export class TcpUpload implements Flushable {
  /** The local side has sent its FIN, and the proxy's side knows. */
  isDone = false;
  readonly #context: EngineContext;
  readonly #connection: TcpConnection;
  readonly #events: UploadEvents;
  readonly #queue: UploadQueue;
  #socket: ProxySocket | undefined;
  #finished = false;
  #waiting = false;
  #stopped = false;

  constructor(context: EngineContext, connection: TcpConnection, events: UploadEvents) {
    this.#context = context;
    this.#connection = connection;
    this.#events = events;
    this.#queue = new UploadQueue(context.arena);
  }

  /** The way is open: what has gathered goes. */
  start(socket: ProxySocket): void {
    this.#socket = socket;
    if (this.#queue.bytes > 0) void this.#drain(socket);
    else if (this.#finished) void this.#closeWrite(socket);
  }

  /** Takes bytes of the local host; how many, the rest when there is memory. */
  received(at: number, end: number): number {
    const socket = this.#socket;
    const idle = socket?.isDirect === true && !this.#waiting && this.#queue.bytes === 0;
    let next = at;
    if (idle && end - at > SMALL_PAYLOAD) {
      next += this.#writeNow(socket, at, end);
      if (next > at) this.#connection.consumed(next - at);
      if (next === end || this.#stopped) return end - at;
    }
    if (!this.#queue.push(next, end)) return next - at;
    if (idle && next === at) this.#context.flushLater(this);
    else if (socket !== undefined && !this.#waiting) void this.#drain(socket);
    return end - at;
  }

  /** The end of a batch. */
  flush(): void {
    const socket = this.#socket;
    if (socket === undefined || this.#waiting || this.#stopped || this.#queue.bytes === 0) return;
    this.#writeFirst(socket);
    if (this.#stopped) return;
    if (this.#queue.bytes > 0) void this.#drain(socket);
    else if (this.#finished) void this.#closeWrite(socket);
  }

  /** The local host has sent everything. */
  finish(): void {
    this.#finished = true;
    const socket = this.#socket;
    if (socket !== undefined && this.#queue.bytes === 0 && !this.#waiting) {
      void this.#closeWrite(socket);
    }
  }

  /** The flow is over; what has not gone yet never goes. */
  stop(): void {
    this.#stopped = true;
    // While a write waits the kernel may still read the slots: they are freed when it has settled.
    if (!this.#waiting) this.#queue.clear();
  }

  /** Waits until the socket takes something, then goes on as long as it need not wait. */
  async #drain(socket: ProxySocket): Promise<void> {
    this.#waiting = true;
    try {
      while (this.#queue.bytes > 0 && !this.#stopped) {
        this.#queue.locateFirst();
        this.#written(await socket.write(this.#queue.firstAt, this.#queue.firstEnd));
        if (socket.isDirect) { while (this.#queue.bytes > 0 && this.#writeFirst(socket) > 0); }
        this.#context.settle();
      }
    } catch {
      this.#break();
    }
    this.#waiting = false;
    if (this.#stopped) this.#queue.clear();
    else if (this.#finished) await this.#closeWrite(socket);
  }

  #writeFirst(socket: ProxySocket): number {
    if (this.#stopped || !socket.isDirect) return 0;
    this.#queue.locateFirst();
    const taken = this.#writeNow(socket, this.#queue.firstAt, this.#queue.firstEnd);
    if (taken > 0) this.#written(taken);
    return taken;
  }

  #writeNow(socket: ProxySocket, at: number, end: number): number {
    const taken = socket.writeNow(at, end);
    if (taken >= 0) return taken;
    this.#break();
    return 0;
  }

  #written(length: number): void {
    if (this.#stopped) return;
    this.#queue.drop(length);
    this.#connection.consumed(length);
  }

  async #closeWrite(socket: ProxySocket): Promise<void> {
    if (this.isDone || this.#stopped) return;
    this.isDone = true;
    try {
      await socket.connection.closeWrite();
    } catch {
      // Reset meanwhile: the other direction says so.
    }
    if (!this.#stopped) this.#events.uploaded();
  }

  #break(): void {
    if (!this.#stopped) this.#events.broken();
  }
}
