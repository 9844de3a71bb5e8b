/**
 * Sends bursts of datagrams of one size to an echo server, as segments of one message where the system
 * has them, and compares what comes back, in order. Prints a line with the count.
 *
 *     udp_bursts.ts ADDRESS PORT ROUNDS SIZE…
 */

import { addressBytes } from "../../support/udp_socket.ts";
import { UdpRig } from "../../support/udp_rig.ts";

const [address, ...numbers] = Deno.args;
const [port, rounds, ...sizes] = numbers.map(Number) as [number, number, ...number[]];

/** What may be on its way at once: more would overflow the socket buffers on the path. */
const BURST = 40;

/** Of every burst, round and place another one; the last one is shorter. */
function burst(size: number, round: number): Uint8Array[] {
  return Array.from({ length: BURST }, (_, place) => {
    const length = place === BURST - 1 ? size >> 1 : size;
    return Uint8Array.from({ length }, (_, index) => index * 31 + place * 7 + round * 13);
  });
}

function same(a: readonly number[], b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, index) => byte === b[index]);
}

using rig = new UdpRig();
const socket = rig.connected(addressBytes(address!), port);
let echoed = 0;
for (const size of sizes) {
  for (let round = 0; round < rounds; round++) {
    const sent = burst(size, round);
    rig.send(socket, sent);
    if (rig.failures.length > 0) throw new Error(`Cannot send: ${JSON.stringify(rig.failures)}`);
    for (const [place, echo] of rig.receive(socket, BURST).entries()) {
      if (!same(echo, sent[place]!)) throw new Error(`Size ${size}, round ${round}: ${place}`);
      echoed++;
    }
  }
}
Deno.stdout.writeSync(new TextEncoder().encode(`${echoed} echoed\n`));
