/** A connection being made by Deno. */

import type { EngineContext } from "./context.ts";
import type { Connecting, ConnectListener, ProxySocket } from "./driver.ts";

export class DenoConnecting implements Connecting {
  readonly #context: EngineContext;
  readonly #listener: ConnectListener;
  readonly #abort = new AbortController();

  constructor(context: EngineContext, listener: ConnectListener) {
    this.#context = context;
    this.#listener = listener;
  }

  async start(
    hostname: string,
    port: number,
    carry: (connection: Deno.TcpConn) => ProxySocket,
  ): Promise<void> {
    const { signal } = this.#abort;
    let connection: Deno.TcpConn | undefined;
    let why = "";
    try {
      connection = await Deno.connect({ hostname, port, signal });
    } catch (error) {
      why = error instanceof Error ? error.message : String(error);
    }
    if (signal.aborted) return connection?.close();
    this.#context.begin();
    if (connection === undefined) this.#listener.broken(why);
    else this.#connected(connection, carry);
    this.#context.settle();
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
