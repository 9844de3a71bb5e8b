/**
 * One small request at a time over one connection that stays open.
 *
 *     rr.ts IP:PORT SECONDS [--socks IP:PORT]
 */

import { loadArguments } from "./arguments.ts";
import { parseEndpoint } from "./endpoint.ts";
import { measureFor } from "./latencies.ts";
import { sayResult } from "./say.ts";
import { TcpSocket } from "./tcp_socket.ts";

const request = new Uint8Array(64);
const { values: [to, seconds], socks } = loadArguments(Deno.args);
const socket = TcpSocket.open(parseEndpoint(to!), socks);

sayResult(measureFor(Number(seconds), () => {
  socket.send(request);
  socket.receive(request.length);
}));
socket.close();
