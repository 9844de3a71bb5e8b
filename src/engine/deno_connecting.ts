/** A connection being made by Deno: the proxy's addresses are tried, one after the other. */

import { meansNoWay } from "../../ffi/libc.ts";
import type { EngineContext } from "./context.ts";
import type { Connecting, ConnectListener, ProxySocket } from "./driver.ts";

export class DenoConnecting implements Connecting {
  readonly #context: EngineContext;
  readonly #listener: ConnectListener;
  readonly #abort = new AbortController();
  #why = "it has no address";
  #noWay = false;

  constructor(context: EngineContext, listener: ConnectListener) {
    this.#context = context;
    this.#listener = listener;
  }

  async start(
    hosts: readonly string[],
    port: number,
    carry: (connection: Deno.TcpConn) => ProxySocket,
  ): Promise<void> {
    const connection = await this.#tryAll(hosts, port);
    if (this.#abort.signal.aborted) return connection?.close();
    this.#context.begin();
    if (connection === undefined) this.#listener.broken(this.#why, this.#noWay);
    else this.#connected(connection, carry);
    this.#context.settle();
  }

  async #tryAll(hosts: readonly string[], port: number): Promise<Deno.TcpConn | undefined> {
    const { signal } = this.#abort;
    for (const hostname of hosts) {
      try {
        return await Deno.connect({ hostname, port, signal });
      } catch (error) {
        if (signal.aborted) return undefined;
        this.#failed(error);
      }
    }
    return undefined;
  }

  #failed(error: unknown): void {
    this.#why = error instanceof Error ? error.message : String(error);
    const code = error instanceof Error && "code" in error ? error.code : undefined;
    if (meansNoWay(code)) this.#noWay = true;
  }

  #connected(connection: Deno.TcpConn, carry: (connection: Deno.TcpConn) => ProxySocket): void {
    connection.setNoDelay(true);
    connection.setKeepAlive(true);
    this.#listener.connected(carry(connection));
  }

  close(): void {
    this.#abort.abort();
  }
}
