/**
 * A connection to the proxy on Deno's own reads and writes: the way that works everywhere, with a
 * promise per read. Where the descriptor is known `direct_socket.ts` is used instead.
 */

import { SMALL_SLOT } from "../arena.ts";
import type { EngineContext } from "./context.ts";
import type { ProxySocket, SocketListener } from "./driver.ts";
import { takeSlot } from "./receive_slot.ts";

export class DenoSocket implements ProxySocket {
  listener: SocketListener;
  readonly #context: EngineContext;
  readonly #connection: Deno.TcpConn;
  readonly #little = new Uint8Array(SMALL_SLOT);
  #closed = false;

  constructor(context: EngineContext, connection: Deno.TcpConn, listener: SocketListener) {
    this.#context = context;
    this.#connection = connection;
    this.listener = listener;
  }

  get localAddr(): Deno.NetAddr {
    return this.#connection.localAddr;
  }

  get remoteAddr(): Deno.NetAddr {
    return this.#connection.remoteAddr;
  }

  receive(room: number, bulk: boolean): void {
    if (this.#closed) return;
    if (!bulk) return void this.#readLittle(Math.min(room, SMALL_SLOT));
    const slot = takeSlot(this.#context.arena, bulk);
    if (slot < 0) return this.#context.whenMemory(() => this.receive(room, bulk));
    void this.#read(slot, room);
  }

  send(at: number, end: number): number {
    this.#context.arena.retain(at);
    void this.#write(at, end);
    return 0;
  }

  /** Deno's writes always may wait, and the bytes with them. */
  sendNow(): number {
    return 0;
  }

  closeWrite(): void {
    // Reset meanwhile: the other direction says so.
    this.#connection.closeWrite().catch(() => {});
  }

  /** Without a descriptor the system offers none: the far end sees the end of the stream. */
  reset(): void {}

  close(): void {
    this.#closed = true;
    this.#connection.close();
  }

  async #read(slot: number, room: number): Promise<void> {
    const { arena } = this.#context;
    const length = await this.#readInto(arena.bytes.subarray(slot, slot + room));
    if (this.#closed || length <= 0) arena.release(slot);
    if (this.#closed) return;
    this.#context.begin();
    if (length > 0) this.listener.arrived(slot, slot + length);
    else this.#ended(length);
    this.#context.settle();
  }

  /** Nobody knows when it comes: until then there is no slot for it. */
  async #readLittle(room: number): Promise<void> {
    const length = await this.#readInto(this.#little.subarray(0, room));
    if (this.#closed) return;
    this.#context.begin();
    if (length > 0) this.#handOver(length);
    else this.#ended(length);
    this.#context.settle();
  }

  #handOver(length: number): void {
    if (this.#closed) return;
    const { arena } = this.#context;
    const slot = takeSlot(arena, false);
    if (slot < 0) return this.#context.whenMemory(() => this.#handOver(length));
    arena.bytes.set(this.#little.subarray(0, length), slot);
    this.listener.arrived(slot, slot + length);
  }

  /** How many bytes came; 0 at the end, -1 when it is broken. */
  async #readInto(bytes: Uint8Array): Promise<number> {
    try {
      return await this.#connection.read(bytes) ?? 0;
    } catch {
      return -1;
    }
  }

  #ended(length: number): void {
    if (length === 0) this.listener.ended();
    else this.listener.broken("reset");
  }

  async #write(at: number, end: number): Promise<void> {
    let taken = -1;
    try {
      taken = await this.#connection.write(this.#context.arena.bytes.subarray(at, end));
    } catch {
      // Said below, unless it was us who closed it.
    }
    this.#context.arena.release(at);
    if (this.#closed) return;
    this.#context.begin();
    if (taken < 0) this.listener.broken("reset");
    else this.listener.sent(taken);
    this.#context.settle();
  }
}
