/**
 * Sends RATE datagrams of SIZE bytes a second, or as many as the system takes, and prints how many.
 *
 *     udp_up_client.ts IP:PORT SIZE SEGMENTS RATE SECONDS [--socks IP:PORT]
 *
 * With more than one segment the kernel cuts a message of that many datagrams (UDP_SEGMENT).
 */

import { loadArguments } from "./arguments.ts";
import { sayResult } from "./say.ts";
import { UdpClient } from "./udp_client.ts";
import { sendAtRate } from "./udp_flow.ts";

const { values: [to, ...numbers], socks } = loadArguments(Deno.args);
const [size, segments, rate, seconds] = numbers.map(Number);
const client = new UdpClient(to!, socks);
const sender = client.socket.sender(client.message(size!, segments!), segments!);
sayResult(sendAtRate(sender, rate!, seconds!));
client.close();
