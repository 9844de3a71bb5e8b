/**
 * A link of two TUN devices that loses, doubles, delays and reorders packets, in both directions alike.
 * It does in user space what `tc netem` does in the kernel, because many kernels come without netem.
 * The same seed meets the same fate.
 *
 *     bad_link.ts NAME PEER-NAME PEER-NAMESPACE JSON
 *
 * Both devices are made where the program runs; the second one is then moved to the other namespace.
 * Ready when it prints `ready`; what it did is printed at SIGTERM.
 */

import { check, Errno, errno, libc } from "../../../ffi/libc.ts";
import { openTun } from "../../../ffi/tun_linux.ts";

export interface Badness {
  /** Shares of all packets, from 0 to 1. */
  loss: number;
  duplicate: number;
  /** Packets that wait for longer, so that later ones overtake them. */
  reorder: number;
  delayMs: number;
  seed: number;
}

const [name, peer, namespace, json] = Deno.args;
const badness = JSON.parse(json!) as Badness;

const POLLIN = 1;
/** A packet that is to be overtaken stays for so much longer. */
const REORDER_MS = 4;
/** As a router's queue: what comes on top of it is lost. */
const QUEUE_PACKETS = 2_000;
const PACKET = 65_536;

interface Waiting {
  at: number;
  fd: number;
  packet: Uint8Array<ArrayBuffer>;
}

const ends = [name!, peer!].map((each) => openTun({ name: each, offload: "off" }));
const moved = new Deno.Command("ip", { args: ["link", "set", peer!, "netns", namespace!] })
  .outputSync();
if (!moved.success) throw new Error(new TextDecoder().decode(moved.stderr));

/** Ordered by time: two queues, because only reordered packets break the order of arrival. */
const inOrder: Waiting[] = [];
const late: Waiting[] = [];
const counts = { carried: 0, lost: 0, doubled: 0, reordered: 0, overflowed: 0 };
const buffer = new Uint8Array(PACKET);
let state = badness.seed >>> 0 || 1;

function chance(share: number): boolean {
  state ^= state << 13;
  state ^= state >>> 17;
  state ^= state << 5;
  return (state >>> 0) / 2 ** 32 < share;
}

function take(from: number, to: number): boolean {
  const length = Number(libc().read(from, buffer, BigInt(PACKET)));
  if (length < 0) {
    if (errno() === Errno.EAGAIN) return false;
    check("read", length);
  }
  if (chance(badness.loss)) {
    counts.lost++;
    return true;
  }
  const packet = buffer.slice(0, length);
  queue(to, packet);
  if (chance(badness.duplicate)) {
    counts.doubled++;
    queue(to, packet);
  }
  return true;
}

function queue(fd: number, packet: Uint8Array<ArrayBuffer>): void {
  if (inOrder.length + late.length >= QUEUE_PACKETS) {
    counts.overflowed++;
    return;
  }
  const at = performance.now() + badness.delayMs;
  if (!chance(badness.reorder)) {
    inOrder.push({ at, fd, packet });
    return;
  }
  counts.reordered++;
  late.push({ at: at + REORDER_MS, fd, packet });
}

/** Writes what is due; says in how many milliseconds the next one is, or -1. */
function release(): number {
  const now = performance.now();
  for (const waiting of [inOrder, late]) {
    let due = 0;
    while (due < waiting.length && waiting[due]!.at <= now) {
      const { fd, packet } = waiting[due++]!;
      // A device that is down, or whose queue is full, loses the packet as any link would.
      if (libc().write(fd, packet, BigInt(packet.length)) >= 0) counts.carried++;
    }
    waiting.splice(0, due);
  }
  const next = Math.min(inOrder[0]?.at ?? Infinity, late[0]?.at ?? Infinity);
  return next === Infinity ? -1 : Math.max(0, Math.ceil(next - performance.now()));
}

const descriptors = new Uint8Array(128);
const view = new DataView(descriptors.buffer);
ends.forEach(({ fd }, at) => {
  view.setInt32(at * 8, fd, true);
  view.setInt16(at * 8 + 4, POLLIN, true);
});

let running = true;
Deno.addSignalListener("SIGTERM", () => running = false);
/** Signals are seen between waits: none lasts longer. */
const LONGEST_WAIT_MS = 100;

Deno.stdout.writeSync(new TextEncoder().encode("ready\n"));
const [a, b] = ends.map(({ fd }) => fd) as [number, number];
while (running) {
  let busy = false;
  for (let burst = 0; burst < 64; burst++) {
    const taken = [take(a, b), take(b, a)];
    if (!taken.includes(true)) break;
    busy = true;
  }
  const wait = release();
  if (busy) continue;
  await libc().poll_blocking(
    descriptors,
    2,
    wait < 0 ? LONGEST_WAIT_MS : Math.min(wait, LONGEST_WAIT_MS),
  );
}
for (const end of ends) end.close();
Deno.stdout.writeSync(new TextEncoder().encode(`${JSON.stringify(counts)}\n`));
