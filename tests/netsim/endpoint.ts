/**
 * The application at one end of one connection: follows a script, and checks every byte and every call
 * that it gets.
 */

import type { TcpConnection, TcpFailure, TcpOwner } from "../../src/stack/tcp/connection.ts";
import type { Host } from "./host.ts";
import { fillPattern, findDifference } from "./pattern.ts";

export interface Script {
  /** Bytes to send. */
  readonly send: number;
  /** At most so many at a time. */
  readonly chunk: number;
  /** Milliseconds between chunks; 0 sends whatever there is room for. */
  readonly think: number;
  /** Takes at most so many bytes at a time. */
  readonly takes: number;
  /** Consumes so many bytes every so many milliseconds; 0 ms is at once. */
  readonly drip: number;
  readonly dripEvery: number;
  /** Consumes nothing for a while once so many bytes have come. */
  readonly pauseAfter: number;
  readonly pauseFor: number;
  /** When the FIN follows: after the last byte, or not before the peer's. */
  readonly finish: "when-sent" | "after-peer";
  /** Aborts as soon as so many bytes have gone or come. */
  readonly abortAfter: number;
}

export const PLAIN_SCRIPT: Script = {
  send: 100_000,
  chunk: 65_536,
  think: 0,
  takes: Infinity,
  drip: Infinity,
  dripEvery: 0,
  pauseAfter: Infinity,
  pauseFor: 0,
  finish: "when-sent",
  abortAfter: Infinity,
};

interface Kept {
  at: number;
  end: number;
  offset: number;
}

export type Outcome = "open" | "closed" | TcpFailure;

export class Endpoint implements TcpOwner {
  readonly #host: Host;
  readonly #script: Script;
  readonly #sendFlow: number;
  readonly #receiveFlow: number;
  readonly #backlog: Kept[] = [];
  #connection: TcpConnection | undefined = undefined;
  #pumpScheduled = false;
  #dripScheduled = false;
  #pausedUntil = -1;
  sent = 0;
  bytesReceived = 0;
  /** When the last byte came, by the virtual clock. */
  lastByteAt = 0;
  isConnected = false;
  peerFinished = false;
  outcome: Outcome = "open";

  constructor(host: Host, script: Script, sendFlow: number, receiveFlow: number) {
    this.#host = host;
    this.#script = script;
    this.#sendFlow = sendFlow;
    this.#receiveFlow = receiveFlow;
  }

  connected(connection: TcpConnection): void {
    if (this.isConnected) throw new Error("connected twice");
    this.isConnected = true;
    this.#connection = connection;
    this.#pump();
  }

  received(connection: TcpConnection, at: number, end: number): number {
    this.#checkOpen("received");
    if (!this.isConnected || this.peerFinished) throw new Error("bytes out of turn");
    end = Math.min(end, at + this.#script.takes);
    this.#verify(at, end, this.bytesReceived);
    const kept = this.#isImmediate ? at : this.#host.keep(at, end);
    if (kept < 0) return 0;
    if (!this.#isImmediate) {
      this.#backlog.push({ at: kept, end: kept + end - at, offset: this.bytesReceived });
    }
    this.bytesReceived += end - at;
    this.lastByteAt = this.#host.clock.now;
    if (this.#isImmediate) connection.consumed(end - at);
    else this.#scheduleDrip();
    this.#abortWhenDue();
    return end - at;
  }

  writable(): void {
    this.#checkOpen("writable");
    if (this.isConnected && this.#script.think === 0) this.#pump();
  }

  finished(): void {
    this.#checkOpen("finished");
    if (this.peerFinished) throw new Error("finished twice");
    this.peerFinished = true;
    this.#pump();
  }

  closed(): void {
    this.#end("closed");
  }

  failed(_connection: TcpConnection, failure: TcpFailure): void {
    this.#end(failure);
  }

  get #isImmediate(): boolean {
    return this.#script.dripEvery === 0 && this.#script.pauseAfter === Infinity;
  }

  /** Gives the connection what it has room for; then, when all is said, FIN. */
  #pump(): void {
    const connection = this.#connection;
    if (connection === undefined || this.outcome !== "open") return;
    const { send, chunk, think, finish } = this.#script;
    while (this.sent < send && !this.#pumpScheduled) {
      const size = Math.min(connection.sendRoom, chunk, send - this.sent);
      if (size <= 0) return;
      const at = this.#host.takeSlot(size);
      if (at < 0) return this.#schedulePump(3);
      fillPattern(this.#host.link.arena.bytes, at, at + size, this.#sendFlow, this.sent);
      this.sent += size;
      connection.send(at, at + size);
      if (this.#abortWhenDue()) return;
      if (think > 0) this.#schedulePump(think);
    }
    if (this.sent < send || (finish === "after-peer" && !this.peerFinished)) return;
    connection.finish();
  }

  #schedulePump(delay: number): void {
    if (this.#pumpScheduled) return;
    this.#pumpScheduled = true;
    this.#host.clock.after(delay, () => {
      this.#pumpScheduled = false;
      this.#host.act(() => this.#pump());
      // Without room nobody calls when thinking: try again.
      if (this.#script.think > 0 && this.sent < this.#script.send && this.outcome === "open") {
        this.#schedulePump(this.#script.think);
      }
    });
  }

  #scheduleDrip(): void {
    if (this.#dripScheduled) return;
    this.#dripScheduled = true;
    const { pauseAfter, pauseFor, dripEvery } = this.#script;
    if (this.bytesReceived >= pauseAfter && this.#pausedUntil < 0) {
      this.#pausedUntil = this.#host.clock.now + pauseFor;
    }
    const at = Math.max(this.#host.clock.now + dripEvery, this.#pausedUntil);
    this.#host.clock.at(at, () => {
      this.#dripScheduled = false;
      this.#host.act(() => this.#drip());
    });
  }

  #drip(): void {
    const connection = this.#connection;
    let left = this.#script.drip;
    while (left > 0 && this.#backlog.length > 0 && this.outcome === "open") {
      const first = this.#backlog[0]!;
      const length = Math.min(left, first.end - first.at);
      // Seen again at the end: nobody may have written to a slot that is held.
      this.#verify(first.at, first.at + length, first.offset);
      first.at += length;
      first.offset += length;
      left -= length;
      if (first.at === first.end) this.#release(this.#backlog.shift()!);
      connection?.consumed(length);
    }
    if (this.#backlog.length > 0) this.#scheduleDrip();
  }

  #release(kept: Kept): void {
    this.#host.link.arena.release(kept.end - 1);
  }

  #verify(at: number, end: number, offset: number): void {
    const where = findDifference(this.#host.link.arena.bytes, at, end, this.#receiveFlow, offset);
    if (where >= 0) throw new Error(`wrong byte at offset ${where}`);
  }

  #abortWhenDue(): boolean {
    if (Math.max(this.sent, this.bytesReceived) < this.#script.abortAfter) return false;
    this.#connection?.abort();
    return true;
  }

  #checkOpen(event: string): void {
    if (this.outcome !== "open") throw new Error(`${event} after ${this.outcome}`);
  }

  #end(outcome: Outcome): void {
    if (this.outcome !== "open") throw new Error(`${outcome} after ${this.outcome}`);
    this.outcome = outcome;
    for (const kept of this.#backlog) this.#release(kept);
    this.#backlog.length = 0;
  }
}
