/**
 * A SOCKS5 server that does what a test tells it to, right or wrong: a script for each connection, and
 * the destinations are played by the same script.
 */

import { DescriptorIndex, sendReset } from "../../ffi/tcp_socket_linux.ts";
import { formatAddressAt } from "../../src/addr/address.ts";
import { get16 } from "../../src/bytes.ts";
import { Command, greetingLength, messageLength } from "../../src/wire/socks5.ts";
import { refusing } from "./closed_port.ts";

export interface FakeRequest {
  readonly command: number;
  readonly host: string;
  readonly port: number;
}

export type Script = (client: FakeClient, proxy: FakeSocks5) => Promise<void>;

/** The client has ended the connection where the script wanted more: how. */
export class ClientGone extends Error {
  readonly how: "end" | "reset";

  constructor(how: "end" | "reset") {
    super(`The client's ${how} came too early`);
    this.how = how;
  }
}

const ANY_PORT = [0, 0, 0, 0, 0, 0];

/** One connection to the fake proxy. */
export class FakeClient {
  readonly connection: Deno.TcpConn;
  /** How the client ended it, once seen. */
  how: "end" | "reset" | undefined;
  #left = new Uint8Array(0);
  #closed = false;
  readonly #over = Promise.withResolvers<never>();

  constructor(connection: Deno.TcpConn) {
    this.connection = connection;
    connection.setNoDelay(true);
    // Nobody may be waiting for it.
    this.#over.promise.catch(() => {});
  }

  /** Waits for what the test decides, but not beyond the connection's end on this side. */
  until<T>(event: Promise<T>): Promise<T> {
    return Promise.race([event, this.#over.promise]);
  }

  /** What there is, at least one byte; undefined at the end. */
  async readSome(): Promise<Uint8Array | undefined> {
    if (this.#left.length > 0) return this.#takeLeft(this.#left.length);
    const buffer = new Uint8Array(65_536);
    let length: number | null;
    try {
      length = await this.connection.read(buffer);
    } catch {
      this.how = "reset";
      throw new ClientGone("reset");
    }
    if (length !== null) return buffer.subarray(0, length);
    this.how = "end";
    return undefined;
  }

  async read(length: number): Promise<Uint8Array> {
    const bytes = new Uint8Array(length);
    for (let at = 0; at < length;) {
      const some = await this.readSome();
      if (some === undefined) throw new ClientGone("end");
      const taken = Math.min(some.length, length - at);
      bytes.set(some.subarray(0, taken), at);
      at += taken;
      this.#left = some.slice(taken);
    }
    return bytes;
  }

  async write(...parts: (number | Uint8Array)[]): Promise<void> {
    const bytes = Uint8Array.from(
      parts.flatMap((part) => typeof part === "number" ? [part] : [...part]),
    );
    await this.writeBytes(bytes);
  }

  async writeBytes(bytes: Uint8Array): Promise<void> {
    try {
      for (let at = 0; at < bytes.length;) at += await this.connection.write(bytes.subarray(at));
    } catch {
      this.how = "reset";
      throw new ClientGone("reset");
    }
  }

  /** The methods that the client offers. */
  async greeting(): Promise<number[]> {
    return [...(await this.#message(greetingLength)).subarray(2)];
  }

  async request(): Promise<FakeRequest> {
    const message = await this.#message(messageLength);
    const host = message[3] === 3
      ? new TextDecoder().decode(message.subarray(5, -2))
      : formatAddressAt(message, 4, message[3] === 4 ? 16 : 4);
    return { command: message[1]!, host, port: get16(message, message.length - 2) };
  }

  /** Greets without a password; what is asked for. */
  async accept(): Promise<FakeRequest> {
    await this.greeting();
    await this.write(5, 0);
    return await this.request();
  }

  /** Answers a request, with an IPv4 address of zeros and port 0 unless told otherwise. */
  async reply(code: number, bound: readonly number[] = ANY_PORT): Promise<void> {
    await this.write(5, code, 0, bound.length === 18 ? 4 : 1, ...bound);
  }

  /** Reads to the client's end; what came, and how it ended. */
  async drain(): Promise<{ bytes: number; how: "end" | "reset" }> {
    let bytes = 0;
    try {
      for (let some = await this.readSome(); some !== undefined; some = await this.readSome()) {
        bytes += some.length;
      }
      return { bytes, how: "end" };
    } catch (error) {
      if (error instanceof ClientGone) return { bytes, how: error.how };
      throw error;
    }
  }

  /** Sends everything back; its end too. */
  async echo(): Promise<void> {
    for (let some = await this.readSome(); some !== undefined; some = await this.readSome()) {
      await this.writeBytes(some);
    }
    await this.connection.closeWrite();
  }

  reset(): void {
    const fd = new DescriptorIndex().find(this.connection);
    if (fd < 0) throw new Error("Cannot find the connection's descriptor");
    sendReset(fd);
    this.close();
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.connection.close();
    this.#over.reject(new ClientGone("end"));
  }

  get isClosed(): boolean {
    return this.#closed;
  }

  async #message(
    lengthOf: (bytes: Uint8Array, at: number, end: number) => number,
  ): Promise<Uint8Array> {
    let bytes = new Uint8Array(0);
    for (;;) {
      const length = lengthOf(bytes, 0, bytes.length);
      if (length < 0) throw new Error(`The client sent rubbish: ${bytes}`);
      if (length > 0) return bytes;
      bytes = new Uint8Array([...bytes, ...await this.read(1)]);
    }
  }

  #takeLeft(length: number): Uint8Array {
    const taken = this.#left.subarray(0, length);
    this.#left = this.#left.slice(length);
    return taken;
  }
}

export class FakeSocks5 {
  readonly clients: FakeClient[] = [];
  /** What went wrong in scripts, other than the client going away. */
  readonly errors: unknown[] = [];
  script: Script;
  #listener: Deno.TcpListener | undefined;
  #accepting: Promise<void> = Promise.resolve();
  #port = 0;
  readonly #hostname: string;
  readonly #running = new Set<Promise<void>>();

  constructor(script: Script, hostname = "127.0.0.1") {
    this.script = script;
    this.#hostname = hostname;
  }

  get port(): number {
    return this.#port;
  }

  /** Listens; after `stop` on the same port again. */
  start(): void {
    this.#listener = Deno.listen({ hostname: this.#hostname, port: this.#port });
    this.#port = this.#listener.addr.port;
    this.#accepting = this.#accept(this.#listener);
  }

  /** Stops listening; connections go on, and new ones are refused. */
  async stopListening(): Promise<void> {
    await this.#closeListener();
    await refusing(this.#port);
  }

  async #closeListener(): Promise<void> {
    this.#listener?.close();
    this.#listener = undefined;
    await this.#accepting;
  }

  /** Ends everything, connections included, as a process does that is killed: with resets. */
  async stop(): Promise<void> {
    await this.#closeListener();
    for (const client of this.clients) if (!client.isClosed) client.close();
    await Promise.all(this.#running);
  }

  async #accept(listener: Deno.TcpListener): Promise<void> {
    for await (const connection of listener) {
      const client = new FakeClient(connection);
      this.clients.push(client);
      const running: Promise<void> = this.#serve(client).finally(() => {
        this.#running.delete(running);
      });
      this.#running.add(running);
    }
  }

  async #serve(client: FakeClient): Promise<void> {
    try {
      await this.script(client, this);
    } catch (error) {
      // The client or the test has ended the connection: what that means is the test's to say.
      if (!(error instanceof ClientGone) && !client.isClosed) this.errors.push(error);
    } finally {
      client.close();
    }
  }
}

/** Connects, and gives the connection to `destination`; refuses everything but CONNECT. */
export function connecting(
  destination: (client: FakeClient, request: FakeRequest) => Promise<void>,
): Script {
  return async (client) => {
    const request = await client.accept();
    if (request.command !== Command.Connect) return await client.reply(7);
    await client.reply(0);
    await destination(client, request);
  };
}
