/** Makes and closes rings in every state, and prints what of them is open or mapped afterwards. */

import { EventFd } from "../../ffi/event_fd_linux.ts";
import { closeFd } from "../../ffi/fd_passing_linux.ts";
import { libc } from "../../ffi/libc.ts";
import { Memory } from "../../ffi/memory.ts";
import { BufferRing } from "../../ffi/uring_buffers_linux.ts";
import { Ring } from "../../ffi/uring_linux.ts";
import { probeUring } from "../../ffi/uring_probe_linux.ts";
import { streamPair } from "./descriptor_pairs.ts";
import { refusing, withoutOperation } from "./uring_kernels.ts";

const ROUNDS = 20;
const memory = new Memory(1 << 16);

function openFiles(): string[] {
  const numbers = [...Deno.readDirSync("/proc/self/fd")].map(({ name }) => name);
  return numbers.flatMap((number) => {
    try {
      return [Deno.readLinkSync(`/proc/self/fd/${number}`)];
    } catch {
      // That of the listing itself.
      return [];
    }
  }).sort();
}

function makeRing(): Ring {
  return new Ring({ entries: 8, completions: 16, memory });
}

/** One with requests under way, some that were never handed over, and a group of buffers. */
function makeBusyRing(): void {
  const ring = makeRing();
  const buffers = new BufferRing(ring, 1, 4);
  for (let i = 0; i < 4; i++) buffers.provide(i, i * 64, 64);
  buffers.commit();
  const [one, other] = streamPair();
  ring.recvSelect(one, 1, 0, false, 1, 1);
  ring.pollMultishot(other, 1, 2, 1);
  ring.wait(0);
  ring.nop(3, 1);
  closeFd(one);
  closeFd(other);
  buffers.close();
  ring.close();
}

/** The number of a closed ring belongs to whoever gets it next. */
function closeTwice(): void {
  const ring = makeRing();
  ring.close();
  const event = new EventFd();
  if (event.fd !== ring.fd) throw new Error("The test needs the same number again");
  ring.close();
  event.signal();
  if (event.drain() !== 1) throw new Error("The second close has closed another's descriptor");
  event.close();
}

function everything(): void {
  makeRing().close();
  makeBusyRing();
  closeTwice();
  probeUring();
  probeUring(withoutOperation(49));
  probeUring(refusing("enter", 1));
  probeUring(refusing("register", 22));
}

// What the first one opens for good is not counted.
everything();
libc();
const before = openFiles();
for (let round = 0; round < ROUNDS; round++) everything();
const after = openFiles();
const maps = Deno.readTextFileSync("/proc/self/maps").split("\n");
const report = { before, after, mapped: maps.filter((line) => line.includes("io_uring")) };
await Deno.stdout.write(new TextEncoder().encode(JSON.stringify(report)));
