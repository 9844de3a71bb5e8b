/**
 * The demo's server of plain streams: one line says what is wanted, and the end of a direction means
 * something, as in many old protocols.
 *
 *     down N    N bytes of the pattern, then the end
 *     up        reads to the client's end, and only then answers, in JSON, what came
 */

import { type DemoServer, isClosed } from "./demo_server.ts";
import { readPattern, type Received, writePattern } from "./pattern_stream.ts";

const LONGEST_LINE = 64;
const LINE_FEED = 10;

export function startStreamServer(hostname: string): DemoServer {
  const listener = Deno.listen({ hostname, port: 0 });
  const connections = new Set<Deno.TcpConn>();
  const done = accept(listener, connections);
  return {
    hostname,
    port: listener.addr.port,
    close: async () => {
      listener.close();
      for (const connection of connections) connection.close();
      await done;
    },
  };
}

async function accept(listener: Deno.TcpListener, connections: Set<Deno.TcpConn>): Promise<void> {
  const served: Promise<void>[] = [];
  for await (const connection of listener) {
    connections.add(connection);
    served.push(serve(connection).finally(() => connections.delete(connection)));
  }
  await Promise.all(served);
}

async function serve(connection: Deno.TcpConn): Promise<void> {
  try {
    const { line, rest } = await readLine(connection);
    const count = /^down (\d{1,15})$/.exec(line)?.[1];
    if (count !== undefined) await writePattern(connection, Number(count));
    else if (line === "up") await answer(connection, await readPattern(connection, rest));
    connection.close();
  } catch (error) {
    if (!isClosed(error)) connection.close();
  }
}

async function readLine(connection: Deno.TcpConn): Promise<{ line: string; rest: Uint8Array }> {
  const bytes = new Uint8Array(LONGEST_LINE);
  let length = 0;
  while (length < bytes.length) {
    const read = await connection.read(bytes.subarray(length));
    if (read === null) break;
    length += read;
    const end = bytes.subarray(0, length).indexOf(LINE_FEED);
    if (end < 0) continue;
    const line = new TextDecoder().decode(bytes.subarray(0, end));
    return { line, rest: bytes.subarray(end + 1, length) };
  }
  return { line: "", rest: bytes.subarray(0, 0) };
}

async function answer(connection: Deno.TcpConn, received: Received): Promise<void> {
  const bytes = new TextEncoder().encode(JSON.stringify(received));
  for (let at = 0; at < bytes.length;) at += await connection.write(bytes.subarray(at));
}
