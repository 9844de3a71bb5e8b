/**
 * One direction of a TCP flow: what the proxy's socket brings, on its way to the local host.
 *
 * Never more is asked for than the local host's window takes. Bytes stay in the slot that they were read
 * into until they are acknowledged: a retransmission sends them from there.
 */

import { SMALL_SLOT } from "../arena.ts";
import type { TcpConnection } from "../stack/tcp/connection.ts";
import { largestSegment } from "../stack/tcp/send.ts";
import type { EngineContext } from "./context.ts";
import type { ProxySocket } from "./driver.ts";

/** In the middle of a bulk transfer it is not worth reading less than this at a time. */
const WORTHWHILE = 32_768;

export class TcpDownload {
  readonly #context: EngineContext;
  readonly #connection: TcpConnection;
  #socket: ProxySocket | undefined;
  #bulk = false;
  /** Bytes that were asked for; 0 when the socket owes us nothing. */
  #asked = 0;
  /** Nothing is asked for until the local host's window has this much room. */
  #roomWanted = 0;

  constructor(context: EngineContext, connection: TcpConnection) {
    this.#context = context;
    this.#connection = connection;
  }

  start(socket: ProxySocket): void {
    this.#socket = socket;
    this.#ask();
  }

  /** Something was acknowledged, or the window opened. */
  writable(): void {
    if (this.#asked === 0 && this.#connection.sendRoom >= this.#roomWanted) this.#ask();
  }

  arrived(at: number, end: number): void {
    this.#bulk = end - at > SMALL_SLOT || end - at === this.#asked;
    this.#asked = 0;
    if (this.#socket === undefined || !this.#connection.canSend) {
      return this.#context.arena.release(at);
    }
    this.#connection.send(at, end);
    this.#ask();
  }

  /** The stream has ended: the local host is told. */
  ended(): void {
    if (this.#socket === undefined) return;
    this.#socket = undefined;
    this.#connection.finish();
  }

  stop(): void {
    this.#socket = undefined;
  }

  #ask(): void {
    const socket = this.#socket;
    if (socket === undefined || !this.#connection.canSend) return;
    this.#roomWanted = this.#worthwhile();
    if (!this.#hasRoom()) return;
    const most = this.#bulk ? largestSegment(this.#connection) : SMALL_SLOT;
    this.#asked = Math.min(most, this.#connection.sendRoom);
    socket.receive(this.#asked, this.#bulk);
  }

  #hasRoom(): boolean {
    const connection = this.#connection;
    const room = connection.sendRoom;
    return room >= this.#roomWanted || (room > 0 && connection.sendQueue.bytes === 0);
  }

  #worthwhile(): number {
    return this.#bulk ? Math.min(WORTHWHILE, this.#connection.largestSndWnd / 4) : 1;
  }
}
