/** Datagrams at a rate, and the count of those that come. */

import { libc } from "./libc.ts";
import type { UdpSender, UdpSocket } from "./udp_socket.ts";

const PAUSE_US = 100;
const LARGEST = 2048;
export const FIRST_MS = 10_000;
/** Longer than any queue on the way takes to drain once the sender has ended. */
const SILENCE_MS = 500;

/** Sends so many a second, or as many as the system takes. */
export function sendAtRate(
  sender: UdpSender,
  rate: number,
  seconds: number,
): { sent: number; seconds: number } {
  const started = performance.now();
  const end = started + seconds * 1000;
  let sent = 0;
  for (let now = started; now < end; now = performance.now()) {
    if (sent < (now - started) / 1000 * rate) sent += sender.send();
    else libc.usleep(PAUSE_US);
  }
  return { sent, seconds: (performance.now() - started) / 1000 };
}

/** Until they have ceased: how many there were, and over how many seconds they came. */
export function countDatagrams(socket: UdpSocket): { received: number; seconds: number } {
  const receiver = socket.receiver(LARGEST);
  let received = 0;
  let first = 0;
  let last = 0;
  for (let patience = FIRST_MS;; patience = SILENCE_MS) {
    const count = receiver.receive(patience);
    if (count === 0) break;
    last = performance.now();
    if (received === 0) first = last;
    received += count;
  }
  return { received, seconds: (last - first) / 1000 };
}
