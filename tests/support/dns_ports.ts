/** Servers on loopback that answer as a test wants, and sometimes not at all. */

import type { AskServer } from "../../src/capture/dns_exchange.ts";
import { formatAddress } from "../../src/addr/address.ts";

/** Made-up addresses, and the ports of 127.0.0.1 that stand for port 53 of these. */
export type DnsPorts = Readonly<Record<string, number>>;

const LOOPBACK = new Uint8Array([127, 0, 0, 1]);

/** Asks the port that stands for the server. */
export function through(ports: DnsPorts, ask: AskServer): AskServer {
  return ({ address }, query, signal) =>
    ask({ address: LOOPBACK, port: ports[formatAddress(address)]! }, query, signal);
}

/** Answers each datagram as `answer` says; one that it gives nothing for is lost. */
export function udpServer(
  answer: (query: Uint8Array<ArrayBuffer>) => Uint8Array | undefined,
): { port: number; close(): Promise<void> } {
  const socket = Deno.listenDatagram({ transport: "udp", hostname: "127.0.0.1", port: 0 });
  const done = (async () => {
    for await (const [query, from] of socket) {
      const bytes = answer(query as Uint8Array<ArrayBuffer>);
      if (bytes !== undefined) await socket.send(bytes, from);
    }
  })();
  const { port } = socket.addr as Deno.NetAddr;
  return { port, close: () => (socket.close(), done) };
}

/** Does that with each connection, which is closed afterwards. */
export function tcpServer(
  serve: (connection: Deno.TcpConn) => Promise<void>,
): { port: number; close(): Promise<void> } {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const served: Promise<void>[] = [];
  const done = (async () => {
    for await (const connection of listener) {
      served.push(serve(connection).finally(() => connection.close()));
    }
  })();
  const close = async () => {
    listener.close();
    await done;
    await Promise.all(served);
  };
  return { port: listener.addr.port, close };
}
