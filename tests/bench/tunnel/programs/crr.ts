/**
 * Connect, one small request, its answer, close; one after the other.
 *
 *     crr.ts IP:PORT SECONDS [--socks IP:PORT]
 */

import { loadArguments } from "./arguments.ts";
import { parseEndpoint } from "./endpoint.ts";
import { measureFor } from "./latencies.ts";
import { sayResult } from "./say.ts";
import { TcpSocket } from "./tcp_socket.ts";

const request = new Uint8Array(64);
const { values: [to, seconds], socks } = loadArguments(Deno.args);
const target = parseEndpoint(to!);

sayResult(measureFor(Number(seconds), () => {
  const socket = TcpSocket.open(target, socks);
  socket.send(request);
  socket.receive(request.length);
  socket.close();
}));
