/**
 * Counts the datagrams that come. Prints its port at once, and when they have ceased, how many there were
 * and over how many seconds they came.
 *
 *     udp_receive.ts IP
 */

import { say, sayResult } from "./say.ts";
import { UdpReceiver } from "./udp_socket.ts";

const LARGEST = 2048;
const FIRST_MS = 10_000;
/** Longer than any queue on the way takes to drain once the sender has ended. */
const SILENCE_MS = 500;

const socket = new UdpReceiver(Deno.args[0]!, LARGEST);
say(`port ${socket.port}`);
let received = 0;
let first = 0;
let last = 0;
for (let patience = FIRST_MS;; patience = SILENCE_MS) {
  const count = socket.receive(patience);
  if (count === 0) break;
  last = performance.now();
  if (received === 0) first = last;
  received += count;
}
sayResult({ received, seconds: (last - first) / 1000 });
