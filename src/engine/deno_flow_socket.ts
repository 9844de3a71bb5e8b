/**
 * A flow's connection to the proxy on Deno's own reads and writes: the way that works everywhere, with a
 * promise per read. Where the descriptor is known `direct_flow_socket.ts` is used instead.
 */

import type { EngineContext } from "./context.ts";
import type { FlowListener, FlowSocket } from "./driver.ts";
import { takeSlot } from "./receive_slot.ts";

export class DenoFlowSocket implements FlowSocket {
  readonly #context: EngineContext;
  readonly #connection: Deno.TcpConn;
  readonly #listener: FlowListener;
  #closed = false;

  constructor(context: EngineContext, connection: Deno.TcpConn, listener: FlowListener) {
    this.#context = context;
    this.#connection = connection;
    this.#listener = listener;
  }

  receive(room: number, bulk: boolean): void {
    if (this.#closed) return;
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
    let length: number | null = null;
    let broken = false;
    try {
      length = await this.#connection.read(arena.bytes.subarray(slot, slot + room));
    } catch {
      broken = true;
    }
    if (this.#closed || length === null) arena.release(slot);
    if (this.#closed) return;
    if (broken) this.#listener.broken();
    else if (length === null) this.#listener.ended();
    else this.#listener.arrived(slot, slot + length);
    this.#context.settle();
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
    if (taken < 0) this.#listener.broken();
    else this.#listener.sent(taken);
    this.#context.settle();
  }
}
