/**
 * Opens connections one after the other, each of which exchanges one byte, and prints how many seconds
 * that took; holds them until a line comes on standard input, closes them, and prints `released`.
 *
 *     hold_flows.ts IP:PORT COUNT
 */

import { parseEndpoint } from "./endpoint.ts";
import { say, sayResult } from "./say.ts";
import { TcpSocket } from "./tcp_socket.ts";

const [to, count] = Deno.args;
const target = parseEndpoint(to!);
const byte = new Uint8Array(1);
const line = new Uint8Array(16);

function open(): TcpSocket {
  try {
    const socket = new TcpSocket(target);
    socket.send(byte);
    socket.receive(byte.length);
    return socket;
  } catch (error) {
    throw new Error(`Cannot open more than ${sockets.length} connections: ${error}`);
  }
}

const started = performance.now();
const sockets: TcpSocket[] = [];
while (sockets.length < Number(count)) sockets.push(open());
sayResult({ seconds: (performance.now() - started) / 1000 });
Deno.stdin.readSync(line);
for (const socket of sockets) socket.close();
say("released");
