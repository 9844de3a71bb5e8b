/**
 * Sends a datagram of every size to an echo server and compares what comes back, octet by octet. Sizes
 * over LIMIT must be refused with EMSGSIZE instead of vanishing. Prints a line with the counts.
 *
 *     udp_sizes.ts ADDRESS PORT FIRST LAST STEP LIMIT
 */

import { addressBytes, UdpSocket } from "../../support/udp_socket.ts";

const [address, ...numbers] = Deno.args;
const [port, first, last, step, limit] = numbers.map(Number) as [
  number,
  number,
  number,
  number,
  number,
];

/** What may be on its way at once: more would overflow the socket buffers on the path. */
const FLIGHT_BYTES = 60_000;
const FLIGHT_COUNT = 24;
const PATIENCE_MS = 5_000;
const LARGEST = 65_507;

const pattern = new Uint8Array(LARGEST + 251);
let state = 88_675_123;
for (let at = 0; at < pattern.length; at++) {
  state ^= state << 13;
  state ^= state >>> 17;
  state ^= state << 5;
  pattern[at] = state;
}

/** Each size has other content: it starts elsewhere in the pattern. */
function content(size: number): Uint8Array<ArrayBuffer> {
  const start = size % 251;
  return pattern.subarray(start, start + size);
}

function same(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let at = 0; at < a.length; at++) if (a[at] !== b[at]) return false;
  return true;
}

const family = address!.includes(":") ? 6 : 4;
using socket = new UdpSocket(family, addressBytes(address!), port);
const flying = new Set<number>();
let flyingBytes = 0;
let echoed = 0;

async function land(): Promise<void> {
  const came = await socket.next(PATIENCE_MS);
  if (typeof came === "string") throw new Error(`${came} with ${[...flying]} on their way`);
  if (came === undefined) throw new Error(`No echo of ${[...flying]} within ${PATIENCE_MS} ms`);
  if (!flying.delete(came.length)) {
    throw new Error(`An echo of ${came.length} that was not awaited`);
  }
  if (!same(came, content(came.length))) throw new Error(`The echo of ${came.length} differs`);
  flyingBytes -= came.length;
  echoed++;
}

for (let size = first; size <= Math.min(last, limit); size += step) {
  while (flying.size >= FLIGHT_COUNT || (flying.size > 0 && flyingBytes + size > FLIGHT_BYTES)) {
    await land();
  }
  const error = socket.send(content(size));
  if (error !== undefined) throw new Error(`Cannot send ${size}: ${error}`);
  flying.add(size);
  flyingBytes += size;
}
while (flying.size > 0) await land();

let refused = 0;
for (let size = Math.max(first, limit + 1); size <= last; size++) {
  const error = socket.send(content(size)) ?? await socket.next(PATIENCE_MS);
  if (error !== "EMSGSIZE") {
    throw new Error(`${size} octets: not EMSGSIZE but ${error ?? "silence"}`);
  }
  refused++;
}
Deno.stdout.writeSync(new TextEncoder().encode(`${echoed} echoed, ${refused} refused\n`));
