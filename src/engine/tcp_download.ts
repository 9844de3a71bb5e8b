/**
 * One direction of a TCP flow: what the proxy's socket brings, on its way to the local host.
 *
 * Never more is read than the local host's window takes. Bytes stay in the slot that they were read into
 * until they are acknowledged: a retransmission sends them from there. Slots are small while little comes,
 * so that ten thousand idle flows hold 2 KiB each, and large in a bulk transfer.
 */

import { SMALL_SLOT } from "../arena.ts";
import type { TcpConnection } from "../stack/tcp/connection.ts";
import { largestSegment } from "../stack/tcp/send.ts";
import { type EngineContext, RESERVED_SLOTS } from "./context.ts";
import type { ProxySocket } from "./proxy_socket.ts";

/** In the middle of a bulk transfer it is not worth reading less than this at a time. */
const WORTHWHILE = 32_768;
/** Reads of one flow in a row before others have their turn. */
const BURST = 16;

export class TcpDownload {
  readonly #context: EngineContext;
  readonly #connection: TcpConnection;
  readonly #broken: () => void;
  #bulk = false;
  #stopped = false;
  #roomWanted = 0;
  #roomFound: (() => void) | undefined;

  constructor(context: EngineContext, connection: TcpConnection, broken: () => void) {
    this.#context = context;
    this.#connection = connection;
    this.#broken = broken;
  }

  /** Runs until the stream ends, which the local host is told, or until `stop`. */
  async run(socket: ProxySocket): Promise<void> {
    const connection = this.#connection;
    try {
      while (await this.#room()) {
        const at = this.#takeSlot();
        if (at < 0) {
          await this.#context.memoryFree();
          continue;
        }
        if (!(await this.#wait(socket, at))) break;
        if (socket.isDirect) this.#takeMore(socket);
        this.#context.settle();
      }
      if (this.#stopped) return;
      connection.finish();
      this.#context.settle();
    } catch {
      if (!this.#stopped) this.#broken();
    }
  }

  /** Something was acknowledged, or the window opened. */
  writable(): void {
    if (this.#roomFound !== undefined && this.#connection.sendRoom >= this.#roomWanted) this.#go();
  }

  stop(): void {
    this.#stopped = true;
    this.#go();
  }

  #go(): void {
    const found = this.#roomFound;
    this.#roomFound = undefined;
    found?.();
  }

  /** Waits for bytes and sends them on; false at the end of the stream. */
  async #wait(socket: ProxySocket, at: number): Promise<boolean> {
    const room = this.#readSize();
    let length: number | null = null;
    try {
      length = await socket.read(at, room);
    } finally {
      if (length === null) this.#context.arena.release(at);
    }
    if (length === null) return false;
    this.#send(at, length, room);
    return true;
  }

  /** Takes what else is there, without waiting. */
  #takeMore(socket: ProxySocket): void {
    for (let count = 0; count < BURST && !this.#stopped && this.#hasRoom(); count++) {
      const at = this.#takeSlot();
      if (at < 0) return;
      const room = this.#readSize();
      const length = socket.readNow(at, room);
      if (length > 0) {
        this.#send(at, length, room);
        continue;
      }
      this.#context.arena.release(at);
      // The end of the stream is seen again by whoever waits for it; an error would not be.
      if (length < 0) this.#broken();
      return;
    }
  }

  #send(at: number, length: number, room: number): void {
    this.#bulk = length > SMALL_SLOT || length === room;
    this.#connection.send(at, at + length);
  }

  #takeSlot(): number {
    const { arena } = this.#context;
    if (!this.#bulk) return arena.takeSmall();
    return arena.freeLarge > RESERVED_SLOTS ? arena.takeLarge() : -1;
  }

  #readSize(): number {
    const most = this.#bulk ? largestSegment(this.#connection) : SMALL_SLOT;
    return Math.min(most, this.#connection.sendRoom);
  }

  /** Waits until there is room to send; false when there is nobody to send to any more. */
  async #room(): Promise<boolean> {
    while (!this.#stopped && this.#connection.canSend) {
      if (this.#hasRoom()) return true;
      this.#roomWanted = this.#worthwhile();
      await new Promise<void>((found) => this.#roomFound = found);
    }
    return false;
  }

  #hasRoom(): boolean {
    const connection = this.#connection;
    const room = connection.sendRoom;
    return room >= this.#worthwhile() || (room > 0 && connection.sendQueue.bytes === 0);
  }

  #worthwhile(): number {
    return this.#bulk ? Math.min(WORTHWHILE, this.#connection.largestSndWnd / 4) : 1;
  }
}
