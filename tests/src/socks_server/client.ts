/** A bare SOCKS5 client, and the far ends it is let loose on, for the server's tests. */

import type { Socks5ServerCounters } from "../../../src/socks_server/counters.ts";
import { Socks5Server, type Socks5ServerOptions } from "../../../src/socks_server/server.ts";

export class Client {
  readonly connection: Deno.TcpConn;
  #closed = false;

  constructor(connection: Deno.TcpConn) {
    this.connection = connection;
  }

  static async open(port: number, hostname = "127.0.0.1"): Promise<Client> {
    return new Client(await Deno.connect({ hostname, port }));
  }

  async send(...bytes: number[]): Promise<void> {
    await this.sendAll(new Uint8Array(bytes));
  }

  async sendAll(bytes: Uint8Array): Promise<void> {
    let at = 0;
    while (at < bytes.length) at += await this.connection.write(bytes.subarray(at));
  }

  /** Exactly so many bytes, or fewer when the stream ends before. */
  async take(length: number): Promise<number[]> {
    return [...await this.takeBytes(length)];
  }

  async takeBytes(length: number): Promise<Uint8Array> {
    const bytes = new Uint8Array(length);
    let at = 0;
    while (at < length) {
      const read = await this.connection.read(bytes.subarray(at));
      if (read === null) return bytes.subarray(0, at);
      at += read;
    }
    return bytes;
  }

  /** "end" for an orderly close, "reset" for anything else. */
  async fate(): Promise<"end" | "reset"> {
    const scratch = new Uint8Array(65_536);
    try {
      while (await this.connection.read(scratch) !== null);
      return "end";
    } catch {
      return "reset";
    }
  }

  /** Greets without a password and asks for a connection; the reply code. */
  async connect(port: number, address = [127, 0, 0, 1]): Promise<number> {
    await this.send(5, 1, 0);
    await this.take(2);
    await this.send(5, 1, 0, address.length === 4 ? 1 : 4, ...address, port >> 8, port & 255);
    const reply = await this.take(4);
    await this.take(reply[3] === 4 ? 18 : 6);
    return reply[1] ?? -1;
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.connection.close();
  }
}

export interface Running {
  readonly server: Socks5Server;
  readonly port: number;
  open(): Promise<Client>;
}

/**
 * Runs `body` against a server, and sees to it that nothing of it is left. Gives the counters when all is
 * counted: a datagram may arrive before the server's own turn comes to count it.
 */
export async function withServer(
  options: Partial<Socks5ServerOptions>,
  body: (running: Running) => Promise<void>,
): Promise<Socks5ServerCounters> {
  const listen = { hostname: "127.0.0.1", port: 0 };
  const server = new Socks5Server({ listen, udp: true, ...options });
  const { port } = server.start();
  const clients: Client[] = [];
  const open = async () => {
    const client = await Client.open(port);
    clients.push(client);
    return client;
  };
  try {
    await body({ server, port, open });
  } finally {
    for (const client of clients) client.close();
    await server.close(0);
  }
  if (server.connections !== 0 || server.associations !== 0) throw new Error("sessions are left");
  return server.counters;
}

/** A TCP server on loopback whose connections go, one by one, to `serve`. */
export async function withTcpServer(
  serve: (connection: Client) => Promise<void>,
  body: (port: number) => Promise<unknown>,
): Promise<void> {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const served: Promise<void>[] = [];
  const accepting = (async () => {
    for await (const connection of listener) {
      const far = new Client(connection);
      served.push(serve(far).finally(() => far.close()));
    }
  })();
  try {
    await body(listener.addr.port);
  } finally {
    listener.close();
    await accepting;
    await Promise.all(served);
  }
}

/** Sends everything back, and ends when the other side does. */
export async function echo(far: Client): Promise<void> {
  const buffer = new Uint8Array(65_536);
  for (;;) {
    const read = await far.connection.read(buffer);
    if (read === null) return await far.connection.closeWrite();
    await far.sendAll(buffer.subarray(0, read));
  }
}

/** Makes the kernel send a reset: connects the socket to nothing. */
export function resetConnection(connection: Deno.TcpConn): void {
  const libc = Deno.dlopen("libc.so.6", {
    connect: { parameters: ["i32", "buffer", "u32"], result: "i32" },
    getsockname: { parameters: ["i32", "buffer", "buffer"], result: "i32" },
    getpeername: { parameters: ["i32", "buffer", "buffer"], result: "i32" },
  });
  const { symbols } = libc;
  const isThatOne = (fd: number) =>
    portBy(symbols.getsockname, fd) === connection.localAddr.port &&
    portBy(symbols.getpeername, fd) === connection.remoteAddr.port;
  const fd = openDescriptors().find(isThatOne);
  const done = fd !== undefined && symbols.connect(fd, new Uint8Array(128), 16) === 0;
  libc.close();
  if (!done) throw new Error("cannot reset the connection");
}

type NameCall = (fd: number, address: BufferSource, length: BufferSource) => number;

/** The port that the call tells of a descriptor; -1 for one that is no such socket. */
function portBy(call: NameCall, fd: number): number {
  const address = new Uint8Array(128);
  const length = new Uint8Array(128);
  length[0] = address.length;
  const family = call(fd, address, length) === 0 ? address[0] : 0;
  return family === 2 || family === 10 ? ((address[2] ?? 0) << 8) | (address[3] ?? 0) : -1;
}

/** Deno tells the descriptor of accepted connections only, so all are looked through. */
function openDescriptors(): number[] {
  return [...Deno.readDirSync("/proc/self/fd")].map(({ name }) => Number(name));
}
