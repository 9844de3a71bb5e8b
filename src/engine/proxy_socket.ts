/**
 * The socket of one flow to the proxy: Deno's connection, which can wait, and its descriptor, through
 * which bytes move without waiting. Where the descriptor is not known everything waits, and works as well.
 */

import { Errno } from "../../ffi/libc.ts";
import { sendReset } from "../../ffi/tcp_socket_linux.ts";
import type { EngineContext } from "./context.ts";

export class ProxySocket {
  readonly connection: Deno.TcpConn;
  readonly #context: EngineContext;
  #fd: number;

  constructor(context: EngineContext, connection: Deno.TcpConn) {
    this.#context = context;
    this.connection = connection;
    this.#fd = context.descriptors.find(connection);
  }

  /** True when `readNow` and `writeNow` can do anything. */
  get isDirect(): boolean {
    return this.#fd >= 0;
  }

  /** Writes what is taken without waiting: how many bytes, or -1 when the socket is broken. */
  writeNow(at: number, end: number): number {
    const taken = this.#context.io.write(this.#fd, at, end);
    if (taken > 0) this.#context.counters.proxyBytesUp += taken;
    return taken >= 0 ? taken : taken === -Errno.EAGAIN ? 0 : -1;
  }

  /** Waits until some of `[at, end)` is written; how much. */
  async write(at: number, end: number): Promise<number> {
    const taken = await this.connection.write(this.#context.arena.bytes.subarray(at, end));
    this.#context.counters.proxyBytesUp += taken;
    return taken;
  }

  /** Reads what is there: how many bytes, 0 when nothing is (or nothing will be), -1 when broken. */
  readNow(at: number, room: number): number {
    const length = this.#context.io.read(this.#fd, at, room);
    if (length > 0) this.#context.counters.proxyBytesDown += length;
    return length >= 0 ? length : length === -Errno.EAGAIN ? 0 : -1;
  }

  /** Waits for bytes; null at the end of the stream. */
  async read(at: number, room: number): Promise<number | null> {
    const length = await this.connection.read(this.#context.arena.bytes.subarray(at, at + room));
    if (length !== null) this.#context.counters.proxyBytesDown += length;
    return length;
  }

  /** The far end sees a reset, as far as the system lets us; `close` has to follow. */
  reset(): void {
    if (this.#fd >= 0) sendReset(this.#fd);
  }

  close(): void {
    if (this.#fd >= 0) this.#context.descriptors.release(this.#fd);
    this.#fd = -1;
    this.connection.close();
  }
}
