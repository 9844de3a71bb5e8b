/**
 * Sends one datagram and prints what came back: the name of an error, `answered`, or `silent`.
 *
 *     udp_refusal.ts ADDRESS PORT
 */

import { addressBytes, UdpSocket } from "../../support/udp_socket.ts";

const PATIENCE_MS = 5_000;

const [address, port] = Deno.args;
using socket = new UdpSocket(address!.includes(":") ? 6 : 4, addressBytes(address!), Number(port));
const datagram = new Uint8Array(128);
const came = socket.send(datagram) ?? await socket.next(PATIENCE_MS);
const text = came === undefined ? "silent" : typeof came === "string" ? came : "answered";
Deno.stdout.writeSync(new TextEncoder().encode(`${text}\n`));
