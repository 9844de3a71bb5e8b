/**
 * Prints its port; sends RATE datagrams of SIZE bytes a second, or as many as the system takes, to the first
 * who asks for them, and prints how many.
 *
 *     udp_down_server.ts IP SIZE RATE SECONDS
 */

import { say, sayResult } from "./say.ts";
import { FIRST_MS, sendAtRate } from "./udp_flow.ts";
import { UdpSocket } from "./udp_socket.ts";

const [host, ...numbers] = Deno.args;
const [size, rate, seconds] = numbers.map(Number);
const socket = new UdpSocket();
say(`port ${socket.bind(host!)}`);
socket.acceptFirst(FIRST_MS);
sayResult(sendAtRate(socket.sender(new Uint8Array(size!), 1), rate!, seconds!));
