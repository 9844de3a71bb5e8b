/**
 * The demo's DNS server, over UDP and TCP on one port: A and AAAA of the names that it is given, "no such
 * name" for all others. An answer too long for UDP is truncated, so the asker comes back over TCP.
 */

import { type DemoServer, isClosed } from "./demo_server.ts";
import { answerQuery, type Zone } from "./dns_zone.ts";

const MAX_MESSAGE = 65_535;
/** Another program may have the TCP port whose UDP port was free. */
const ATTEMPTS = 16;

export function startDnsServer(hostname: string, zone: Zone): DemoServer {
  const { socket, listener } = bindBoth(hostname);
  const connections = new Set<Deno.TcpConn>();
  const done = Promise.all([
    serveUdp(socket, zone),
    serveTcp(listener, connections, zone),
  ]);
  return {
    hostname,
    port: listener.addr.port,
    close: async () => {
      socket.close();
      listener.close();
      for (const connection of connections) connection.close();
      await done;
    },
  };
}

function bindBoth(hostname: string): { socket: Deno.DatagramConn; listener: Deno.TcpListener } {
  for (let attempt = 1;; attempt++) {
    const listener = Deno.listen({ hostname, port: 0 });
    try {
      const { port } = listener.addr;
      return { listener, socket: Deno.listenDatagram({ transport: "udp", hostname, port }) };
    } catch (error) {
      listener.close();
      if (!(error instanceof Deno.errors.AddrInUse) || attempt === ATTEMPTS) throw error;
    }
  }
}

async function serveUdp(socket: Deno.DatagramConn, zone: Zone): Promise<void> {
  const buffer = new Uint8Array(MAX_MESSAGE);
  for (;;) {
    try {
      const [query, from] = await socket.receive(buffer);
      const answer = answerQuery(query, zone, "udp");
      if (answer !== undefined) await socket.send(answer, from);
    } catch (error) {
      if (isClosed(error)) return;
      // One answer could not be sent: the next may.
    }
  }
}

async function serveTcp(
  listener: Deno.TcpListener,
  connections: Set<Deno.TcpConn>,
  zone: Zone,
): Promise<void> {
  const served: Promise<void>[] = [];
  for await (const connection of listener) {
    connections.add(connection);
    served.push(serveConnection(connection, zone).finally(() => connections.delete(connection)));
  }
  await Promise.all(served);
}

async function serveConnection(connection: Deno.TcpConn, zone: Zone): Promise<void> {
  try {
    for (;;) {
      const prefix = await readExactly(connection, 2);
      if (prefix === undefined) break;
      const query = await readExactly(connection, ((prefix[0] ?? 0) << 8) | (prefix[1] ?? 0));
      const answer = query && answerQuery(query, zone, "tcp");
      if (answer === undefined) break;
      await writeAll(connection, new Uint8Array([answer.length >> 8, answer.length]));
      await writeAll(connection, answer);
    }
    connection.close();
  } catch (error) {
    if (!isClosed(error)) connection.close();
  }
}

/** Undefined when the connection ends before. */
async function readExactly(
  connection: Deno.TcpConn,
  length: number,
): Promise<Uint8Array | undefined> {
  const bytes = new Uint8Array(length);
  let at = 0;
  while (at < length) {
    const read = await connection.read(bytes.subarray(at));
    if (read === null) return undefined;
    at += read;
  }
  return bytes;
}

async function writeAll(connection: Deno.TcpConn, bytes: Uint8Array): Promise<void> {
  let at = 0;
  while (at < bytes.length) at += await connection.write(bytes.subarray(at));
}
