/**
 * Many downloads of 10 to 100 KB, each on a connection of its own, several at a time.
 *
 *     short_mix.ts IP:PORT SECONDS [--socks IP:PORT]
 *
 * A path says how many kilobytes the server is to send.
 */

import { loadArguments } from "./arguments.ts";
import { type Endpoint, parseEndpoint } from "./endpoint.ts";
import { sayResult } from "./say.ts";
import {
  boundAddress,
  CONNECT,
  GREETING,
  GREETING_REPLY,
  REPLY,
  request,
} from "./socks_message.ts";

const AT_ONCE = 16;
const KILOBYTES = [10, 80, 30, 100, 20, 60, 50, 40, 90, 70];

const { values: [to, seconds], socks } = loadArguments(Deno.args);
const target = parseEndpoint(to!);
const encoder = new TextEncoder();

let flows = 0;
let bytes = 0;

async function readFully(from: Deno.Conn, into: Uint8Array): Promise<Uint8Array> {
  for (let at = 0; at < into.length;) {
    const length = await from.read(into.subarray(at));
    if (length === null) throw new Error("The proxy closed early");
    at += length;
  }
  return into;
}

async function open(): Promise<Deno.TcpConn> {
  const { host: hostname, port }: Endpoint = socks ?? target;
  const connection = await Deno.connect({ hostname, port });
  connection.setNoDelay();
  if (socks === undefined) return connection;
  await connection.write(GREETING);
  await readFully(connection, new Uint8Array(GREETING_REPLY));
  await connection.write(request(CONNECT, target));
  boundAddress(await readFully(connection, new Uint8Array(REPLY)));
  return connection;
}

async function download(kilobytes: number, buffer: Uint8Array): Promise<void> {
  using connection = await open();
  await connection.write(encoder.encode(`GET /mix/${kilobytes} HTTP/1.0\r\n\r\n`));
  let got = 0;
  while (true) {
    const length = await connection.read(buffer);
    if (length === null) break;
    got += length;
  }
  if (got < kilobytes * 1000) throw new Error(`${got} bytes came of ${kilobytes} KB`);
  flows++;
  bytes += got;
}

const started = performance.now();
const end = started + Number(seconds) * 1000;

async function work(at: number): Promise<void> {
  const buffer = new Uint8Array(65_536);
  while (performance.now() < end) await download(KILOBYTES[at++ % KILOBYTES.length]!, buffer);
}

await Promise.all(Array.from({ length: AT_ONCE }, (_, worker) => work(worker)));
sayResult({ flows, bytes, seconds: (performance.now() - started) / 1000 });
