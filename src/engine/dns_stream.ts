/** One TCP connection to a DNS server, through the proxy, for the pool that decides what goes over it. */

import type { Address } from "../addr/address.ts";
import type { DnsTcpPool } from "../dns/tcp_pool.ts";
import type { EngineContext } from "./context.ts";
import type { ProxyConnection } from "./driver.ts";
import { type Dial, writeAll } from "./proxy_dialer.ts";

const BUFFER = 4_096;

export class DnsStream {
  readonly #context: EngineContext;
  readonly #pool: DnsTcpPool;
  readonly #id: number;
  #dial: Dial | undefined;
  #socket: ProxyConnection | undefined;
  /** Queries are written one after the other. */
  #written: Promise<void> = Promise.resolve();
  #closed = false;

  constructor(context: EngineContext, pool: DnsTcpPool, id: number) {
    this.#context = context;
    this.#pool = pool;
    this.#id = id;
  }

  /** Opens the connection and hands on what comes; settles when it has ended. */
  async run(address: Address, port: number): Promise<void> {
    const { dialer } = this.#context;
    const buffer = new Uint8Array(BUFFER);
    this.#dial = dialer.dial("connect", { kind: "ip", address, port }, buffer, 0, BUFFER);
    const result = await this.#dial.run();
    this.#dial = undefined;
    if (result.kind === "connected") {
      this.#socket = result.socket;
      if (!this.#closed) await this.#read(buffer, result.restAt, result.restEnd);
      this.close();
      await this.#written;
    }
    this.#report(() => this.#pool.ended(this.#id, this.#context.now()));
  }

  write(bytes: Uint8Array): void {
    const socket = this.#socket;
    if (socket === undefined) return;
    // Asked for from within the engine's loop, which runs no promise by itself.
    const release = this.#context.driver.holdEventLoop();
    void Promise.resolve().then(release);
    this.#written = this.#written.then(() => writeAll(socket, bytes)).catch(() => this.close());
  }

  close(): void {
    this.#closed = true;
    this.#dial?.cancel();
    const socket = this.#socket;
    this.#socket = undefined;
    socket?.close();
  }

  async #read(buffer: Uint8Array, restAt: number, restEnd: number): Promise<void> {
    const socket = this.#socket!;
    this.#report(() => {
      this.#pool.opened(this.#id, this.#context.now());
      if (restAt < restEnd) this.#pool.data(this.#id, buffer, restAt, restEnd, this.#context.now());
    });
    try {
      while (!this.#closed) {
        const length = await socket.read(buffer);
        if (length === null) return;
        this.#report(() => this.#pool.data(this.#id, buffer, 0, length, this.#context.now()));
      }
    } catch {
      // Reset, or closed by the pool: either way it has ended.
    }
  }

  #report(event: () => void): void {
    event();
    this.#context.settle();
  }
}
