/** One TCP connection to a DNS server, through the proxy, for the pool that decides what goes over it. */

import type { Address } from "../addr/address.ts";
import { SMALL_SLOT } from "../arena.ts";
import type { DnsTcpPool } from "../dns/tcp_pool.ts";
import type { EngineContext } from "./context.ts";
import type { Dial, DialOwner } from "./dial.ts";
import type { ProxySocket, SocketListener } from "./driver.ts";
import { MessageWriter } from "./message_writer.ts";
import type { PathChange } from "./proxy_path.ts";

export class DnsStream implements DialOwner, SocketListener {
  readonly #context: EngineContext;
  readonly #pool: DnsTcpPool;
  readonly #id: number;
  readonly #over: () => void;
  #dial: Dial | undefined;
  #socket: ProxySocket | undefined;
  #writer: MessageWriter | undefined;

  /** `over` is called when it has ended by itself. */
  constructor(context: EngineContext, pool: DnsTcpPool, id: number, over: () => void) {
    this.#context = context;
    this.#pool = pool;
    this.#id = id;
    this.#over = over;
  }

  open(address: Address, port: number): void {
    this.#dial = this.#context.dialer.dial("connect", { kind: "ip", address, port }, this);
  }

  write(bytes: Uint8Array): void {
    if (this.#writer?.write(bytes) === false) this.#noMemory();
  }

  close(): void {
    this.#dial?.cancel();
    this.#writer?.clear();
    this.#socket?.close();
    this.#dial = this.#writer = this.#socket = undefined;
  }

  /** The proxy or this host has moved. */
  follow(change: PathChange): void {
    if (this.#socket === undefined) return this.#dial?.follow(change);
    if (!change.cutsOff(this.#socket.localAddr.hostname)) return;
    this.#socket.reset();
    this.ended();
  }

  dialled(socket: ProxySocket, _handshake: unknown, restAt: number, restEnd: number): void {
    this.#dial = undefined;
    this.#socket = socket;
    this.#writer = new MessageWriter(this.#context.arena, socket);
    socket.listener = this;
    this.#pool.opened(this.#id, this.#context.now());
    if (restAt < restEnd) this.arrived(restAt, restEnd);
    else this.#socket?.receive(SMALL_SLOT, false);
  }

  undialled(): void {
    this.ended();
  }

  arrived(at: number, end: number): void {
    const { arena } = this.#context;
    this.#pool.data(this.#id, arena.bytes, at, end, this.#context.now());
    arena.release(at);
    this.#socket?.receive(SMALL_SLOT, false);
  }

  ended(): void {
    this.close();
    this.#over();
    this.#pool.ended(this.#id, this.#context.now());
  }

  sent(length: number): void {
    if (this.#writer?.sent(length) === false) this.#noMemory();
  }

  broken(): void {
    this.ended();
  }

  /** In a moment: the pool is in the middle of something. */
  #noMemory(): void {
    this.#context.counters.dropNoMemory++;
    this.close();
    this.#context.after(0, () => this.ended());
  }
}
