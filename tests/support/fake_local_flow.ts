/** One TCP connection of the fake local host, as an application would hold it. */

import { SMALL_SLOT } from "../../src/arena.ts";
import type { TcpConnection, TcpFailure, TcpOwner } from "../../src/stack/tcp/connection.ts";
import type { IcmpError } from "../../src/wire/icmp.ts";
import { fillPattern, findDifference } from "../netsim/pattern.ts";
import { eventually } from "./eventually.ts";
import type { LocalHost } from "./fake_local_host.ts";

export type FlowState = "opening" | "open" | "closed" | TcpFailure;

interface Piece {
  readonly length: number;
  readonly fill: (bytes: Uint8Array, at: number, end: number, offset: number) => void;
  sent: number;
}

/** A loaded machine may take its time; what does not come at all is what fails. */
const PATIENCE = 60_000;
const LARGEST_PIECE = 65_536;
/** Slots that senders leave for what arrives. */
const RESERVE = 32;

export class LocalFlow implements TcpOwner {
  state: FlowState = "opening";
  /** The far end has sent its FIN. */
  peerFinished = false;
  bytesReceived = 0;
  bytesSent = 0;
  /** Offset of the first byte that is not the expected pattern; -1 while all are right. */
  wrongAt = -1;
  readonly #host: LocalHost;
  readonly #pieces: Piece[] = [];
  readonly #chunks: Uint8Array[] = [];
  #connection: TcpConnection | undefined;
  #pattern = -1;
  #finishing = false;
  #holding = false;
  #held = 0;
  #pumpLater: ReturnType<typeof setTimeout> | undefined;

  constructor(host: LocalHost) {
    this.#host = host;
  }

  adopt(connection: TcpConnection): void {
    this.#connection = connection;
    connection.owner = this;
  }

  /** Waits until the connection stands, or has failed; which of them. */
  opened(): Promise<FlowState> {
    return this.#until("the flow is open", () => this.state !== "opening" ? this.state : undefined);
  }

  /** Waits until the connection is over; how. */
  over(): Promise<FlowState> {
    const isOver = () => this.state === "opening" || this.state === "open" ? undefined : this.state;
    return this.#until("the flow is over", isOver);
  }

  /** Waits for so many bytes in all. */
  async arrived(length: number): Promise<void> {
    await this.#until(`${length} bytes arrive`, () => this.bytesReceived >= length || undefined);
  }

  /** Waits for the far end's FIN. */
  async ended(): Promise<void> {
    await this.#until("the far end finishes", () => this.peerFinished || undefined);
  }

  send(payload: Uint8Array | string): void {
    const bytes = typeof payload === "string" ? new TextEncoder().encode(payload) : payload;
    this.#add({
      length: bytes.length,
      sent: 0,
      fill: (to, at, end, offset) => to.set(bytes.subarray(offset, offset + end - at), at),
    });
  }

  sendPattern(flow: number, length: number): void {
    this.#add({
      length,
      sent: 0,
      fill: (bytes, at, end, offset) => fillPattern(bytes, at, end, flow, offset),
    });
  }

  /** From now on bytes are compared with a pattern and not kept. */
  expectPattern(flow: number): void {
    this.#pattern = flow;
  }

  /** FIN behind what is queued. */
  finish(): void {
    this.#finishing = true;
    this.#host.act(() => this.#pump());
  }

  abort(): void {
    this.#host.act(() => this.#connection?.abort());
  }

  /** Gives up before the answer has come, and says so, as a kernel does that has sent its SYN again. */
  abortDial(): void {
    const connection = this.#connection;
    this.#host.act(() => {
      connection?.writer.reset(connection.sndNxt, 0, false);
      connection?.abort();
    });
  }

  /** The application reads nothing: the window closes. */
  hold(): void {
    this.#holding = true;
  }

  resume(): void {
    this.#holding = false;
    const held = this.#held;
    this.#held = 0;
    this.#host.act(() => this.#connection?.consumed(held));
  }

  get bytes(): Uint8Array {
    const all = new Uint8Array(this.bytesReceived);
    let at = 0;
    for (const chunk of this.#chunks) {
      all.set(chunk, at);
      at += chunk.length;
    }
    return all;
  }

  get text(): string {
    return new TextDecoder().decode(this.bytes);
  }

  /** An ICMP error about this flow has come. */
  unreachable(error: IcmpError): void {
    if (this.#connection?.state === "SynSent") this.#connection.fail(error);
  }

  connected(): void {
    this.state = "open";
    this.#pump();
  }

  received(connection: TcpConnection, at: number, end: number): number {
    const { bytes } = this.#host.arena;
    if (this.#pattern >= 0) {
      const wrong = findDifference(bytes, at, end, this.#pattern, this.bytesReceived);
      if (wrong >= 0 && this.wrongAt < 0) this.wrongAt = wrong;
    } else this.#chunks.push(bytes.slice(at, end));
    this.bytesReceived += end - at;
    if (this.#holding) this.#held += end - at;
    else connection.consumed(end - at);
    return end - at;
  }

  finished(): void {
    this.peerFinished = true;
  }

  writable(): void {
    this.#pump();
  }

  closed(): void {
    this.#end("closed");
  }

  failed(_connection: TcpConnection, failure: TcpFailure): void {
    this.#end(failure);
  }

  #add(piece: Piece): void {
    this.#pieces.push(piece);
    this.#host.act(() => this.#pump());
  }

  #end(state: FlowState): void {
    this.state = state;
    clearTimeout(this.#pumpLater);
  }

  #pump(): void {
    const connection = this.#connection;
    if (connection === undefined || this.state !== "open") return;
    for (let piece = this.#pieces[0]; piece !== undefined; piece = this.#pieces[0]) {
      while (piece.sent < piece.length) {
        const size = Math.min(connection.sendRoom, piece.length - piece.sent, LARGEST_PIECE);
        if (size <= 0) return;
        const at = this.#takeSlot(size);
        if (at < 0) return this.#pumpSoon();
        piece.fill(this.#host.arena.bytes, at, at + size, piece.sent);
        piece.sent += size;
        this.bytesSent += size;
        connection.send(at, at + size);
      }
      this.#pieces.shift();
    }
    if (this.#finishing) connection.finish();
  }

  /** All memory is with other flows: nobody tells when it comes back. */
  #pumpSoon(): void {
    clearTimeout(this.#pumpLater);
    this.#pumpLater = setTimeout(() => this.#host.act(() => this.#pump()), 1);
  }

  #takeSlot(size: number): number {
    const { arena } = this.#host;
    if (size <= SMALL_SLOT && arena.freeSmall > RESERVE) return arena.takeSmall();
    return arena.freeLarge > RESERVE ? arena.takeLarge() : -1;
  }

  /** Waits for `ask`; a flow that is over will not bring it any more. */
  async #until<T>(what: string, ask: () => T | undefined): Promise<T> {
    const isOver = () => this.state !== "opening" && this.state !== "open";
    const answer = await eventually(what, () => ask() ?? (isOver() ? "over" : undefined), PATIENCE);
    const last = ask();
    if (last === undefined || answer === undefined) {
      throw new Error(
        `${what}: not any more, it is ${this.state} with ${this.bytesReceived} bytes`,
      );
    }
    return last;
  }
}
