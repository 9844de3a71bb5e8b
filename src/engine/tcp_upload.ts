/**
 * One direction of a TCP flow: what the local host sends, on its way to the proxy's socket.
 *
 * A super-segment is written straight from the slot that it was read into. Small segments gather until the
 * end of the batch, and go in one write. What the socket does not take waits in a queue, and the window
 * that the local host sees shrinks by it.
 */

import type { TcpConnection } from "../stack/tcp/connection.ts";
import type { EngineContext, Flushable } from "./context.ts";
import type { ProxySocket } from "./driver.ts";
import { SMALL_PAYLOAD, UploadQueue } from "./upload_queue.ts";

export class TcpUpload implements Flushable {
  /** The local side has sent its FIN, and the proxy's side knows. */
  isDone = false;
  readonly #context: EngineContext;
  readonly #connection: TcpConnection;
  readonly #done: () => void;
  readonly #queue: UploadQueue;
  #socket: ProxySocket | undefined;
  #finished = false;
  /** The socket has not taken everything yet, and will say when it has. */
  #waiting = false;
  #flushing = false;

  /** `done` is called once everything is written, and the end of it passed on. */
  constructor(context: EngineContext, connection: TcpConnection, done: () => void) {
    this.#context = context;
    this.#connection = connection;
    this.#done = done;
    this.#queue = new UploadQueue(context.arena);
  }

  /** The way is open: what has gathered goes. */
  start(socket: ProxySocket): void {
    this.#socket = socket;
    this.#pump();
  }

  /** Takes bytes of the local host; how many, the rest when there is memory. */
  received(at: number, end: number): number {
    if (!this.#queue.push(at, end)) return this.#receiveWithoutMemory(at, end);
    if (this.#socket !== undefined && !this.#waiting) {
      if (end - at > SMALL_PAYLOAD) this.#pump();
      else this.#flushLater();
    }
    return end - at;
  }

  /** Flows that stand still may hold all the memory there is: the others go on without. */
  #receiveWithoutMemory(at: number, end: number): number {
    if (this.#socket === undefined || this.#waiting || this.#queue.bytes > 0) return 0;
    const taken = this.#socket.sendNow(at, end);
    if (taken > 0) this.#passed(taken);
    return taken;
  }

  /** The end of a batch. */
  flush(): void {
    this.#flushing = false;
    this.#pump();
  }

  /** The socket has taken the first `length` bytes of what it was given. */
  sent(length: number): void {
    this.#waiting = false;
    this.#taken(length);
    this.#pump();
  }

  /** The local host has sent everything. */
  finish(): void {
    this.#finished = true;
    this.#pump();
  }

  /** The flow is over; what has not gone yet never goes. */
  stop(): void {
    this.#socket = undefined;
    this.#queue.clear();
  }

  #flushLater(): void {
    if (this.#flushing) return;
    this.#flushing = true;
    this.#context.flushLater(this);
  }

  /** Writes until the socket takes no more, or there is nothing left but to say so. */
  #pump(): void {
    const socket = this.#socket;
    if (socket === undefined || this.#waiting) return;
    while (this.#queue.bytes > 0) {
      this.#queue.locateFirst();
      const offered = this.#queue.firstEnd - this.#queue.firstAt;
      const taken = socket.send(this.#queue.firstAt, this.#queue.firstEnd);
      this.#taken(taken);
      if (taken < offered) {
        this.#waiting = true;
        return;
      }
    }
    if (this.#finished && !this.isDone) this.#closeWrite(socket);
  }

  #taken(length: number): void {
    if (length === 0 || this.#socket === undefined) return;
    this.#queue.drop(length);
    this.#passed(length);
  }

  #passed(length: number): void {
    this.#context.counters.proxyBytesUp += length;
    this.#connection.consumed(length);
  }

  #closeWrite(socket: ProxySocket): void {
    this.isDone = true;
    socket.closeWrite();
    this.#done();
  }
}
