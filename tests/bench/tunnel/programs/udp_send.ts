/**
 * Sends RATE datagrams of SIZE bytes a second, or as many as the system takes, and prints how many.
 *
 *     udp_send.ts IP:PORT SIZE SEGMENTS RATE SECONDS [--socks IP:PORT]
 *
 * With more than one segment the kernel cuts a message of that many datagrams (UDP_SEGMENT).
 */

import { loadArguments } from "./arguments.ts";
import { type Endpoint, parseEndpoint } from "./endpoint.ts";
import { libc } from "./libc.ts";
import { sayResult } from "./say.ts";
import { boundAddress, UDP_ASSOCIATE, udpHeader } from "./socks_message.ts";
import { TcpSocket } from "./tcp_socket.ts";
import { UdpSender } from "./udp_socket.ts";

const { values: [to, size, segments, rate, seconds], socks } = loadArguments(Deno.args);
const target = parseEndpoint(to!);

/** Held open: the association lives as long as the connection that asked for it. */
const control = socks === undefined ? undefined : new TcpSocket(socks);
const ANY: Endpoint = { host: "0.0.0.0", port: 0 };
const relay = control && boundAddress(control.ask(UDP_ASSOCIATE, ANY));

const header = relay === undefined ? new Uint8Array() : udpHeader(target);
const each = header.length + Number(size);
const message = new Uint8Array(each * Number(segments));
for (let at = 0; at < message.length; at += each) message.set(header, at);

const sender = new UdpSender(relay ?? target, message, Number(segments));
const PAUSE_US = 100;
const started = performance.now();
const end = started + Number(seconds) * 1000;
let sent = 0;
for (let now = started; now < end; now = performance.now()) {
  if (sent < (now - started) / 1000 * Number(rate)) sent += sender.send();
  else libc.usleep(PAUSE_US);
}
sayResult({ sent, seconds: (performance.now() - started) / 1000 });
control?.close();
