/** Waiting in a ring, being woken, and what a kernel may answer instead of doing as it is told. */

import { assert, assertEquals, assertThrows } from "@std/assert";
import { EventFd, signalEventFd } from "../../ffi/event_fd_linux.ts";
import { closeFd } from "../../ffi/fd_passing_linux.ts";
import { Errno, libc, SysError } from "../../ffi/libc.ts";
import { Memory } from "../../ffi/memory.ts";
import { ENTER_NO_IOWAIT, FEATURE_NO_IOWAIT } from "../../ffi/uring_abi_linux.ts";
import { type Kernel, systemCalls } from "../../ffi/uring_kernel_linux.ts";
import { Ring } from "../../ffi/uring_linux.ts";
import { thisThread, waitsInRing } from "../support/blocked_thread.ts";
import { streamPair } from "../support/descriptor_pairs.ts";
import { eventually } from "../support/eventually.ts";
import { run } from "../support/process.ts";
import { answering, takingOneByOne, withoutFeature } from "../support/uring_kernels.ts";
import { UringRig } from "../support/uring_rig.ts";
import { uringTest } from "../support/needs_uring.ts";

const EEXIST = 17;
const EBADR = 53;
const KIND = 7;

function nextMessage<T>(worker: Worker): Promise<T> {
  return new Promise((resolve, reject) => {
    worker.onmessage = ({ data }: MessageEvent<T>) => resolve(data);
    worker.onerror = (event) => {
      event.preventDefault();
      reject(new Error(event.message));
    };
  });
}

function startWorker(name: string): Worker {
  return new Worker(new URL(`../support/${name}`, import.meta.url), { type: "module" });
}

uringTest("a wait ends with the time, not before, and with nothing", () => {
  let result = 0;
  using rig = new UringRig(8, 16, {
    ...systemCalls,
    enter(...call) {
      result = systemCalls.enter(...call);
      return result;
    },
  });
  for (const timeout of [0, -5, 0.5, 30, 1_001]) {
    let start: number;
    do {
      start = performance.now();
      rig.ring.wait(timeout);
      // Another test's child has ended: the signal for that may come to this thread.
    } while (result === -Errno.EINTR);
    assertEquals(result, -Errno.ETIME);
    // The two clocks need not be rounded alike.
    assert(performance.now() - start > timeout - 1);
    assertEquals(rig.ring.ready(), 0);
  }
});

uringTest("a wait hands over what is prepared", () => {
  using rig = new UringRig();
  for (const timeout of [Infinity, 1_000_000, 0]) {
    rig.ring.nop(1, KIND);
    rig.ring.wait(timeout);
    assertEquals(rig.ring.ready(), 1);
    rig.ring.consumed(1);
  }
});

uringTest("with completions at hand a wait does not wait, and still hands over", () => {
  using rig = new UringRig();
  rig.ring.nop(1, KIND);
  rig.ring.submit();
  rig.ring.nop(2, KIND);
  rig.ring.wait(Infinity);
  assertEquals(rig.ring.ready(), 2);
});

uringTest("a Worker wakes a thread that sleeps in a ring", async () => {
  const worker = startWorker("signalling_worker.ts");
  assertEquals(await nextMessage<string>(worker), "ready");
  {
    using rig = new UringRig();
    const event = new EventFd();
    rig.ring.read(event.fd, 0, 8, 1, KIND);
    worker.postMessage({ fd: event.fd, thread: thisThread() });
    assertEquals(rig.one(), { tag: 1, kind: KIND, result: 8, flags: 0 });
    event.close();
  }
  worker.terminate();
});

uringTest("a Worker that sleeps in its ring is woken", async () => {
  const worker = startWorker("waiting_worker.ts");
  const { fd, thread } = await nextMessage<{ fd: number; thread: number }>(worker);
  await eventually("the worker to sleep", () => waitsInRing(thread) || undefined);
  const answer = nextMessage(worker);
  signalEventFd(fd);
  assertEquals(await answer, { tag: 11, kind: 12, result: 8, signals: 1 });
  worker.terminate();
});

uringTest("a call that was in vain throws nothing and loses nothing", () => {
  for (const code of [Errno.EINTR, Errno.ETIME, Errno.EAGAIN, Errno.EBUSY]) {
    using rig = new UringRig(8, 16, answering(-code, -code));
    rig.ring.nop(1, KIND);
    rig.ring.submit();
    rig.ring.wait(Infinity);
    assertEquals(rig.ring.ready(), 0);
    rig.ring.nop(2, KIND);
    assertEquals(rig.some(2).map(({ tag }) => tag), [1, 2]);
  }
});

uringTest("a kernel that has lost completions is an error, as is the wrong thread", () => {
  for (const code of [EBADR, EEXIST]) {
    using rig = new UringRig(8, 16, answering(-code));
    const error = assertThrows(() => rig.ring.submit(), SysError);
    assertEquals([error.call, error.code], ["io_uring_enter", code]);
  }
});

uringTest("a full queue that the kernel does not take is an error, and stays as it is", () => {
  using rig = new UringRig(8, 16, answering(-Errno.EAGAIN));
  for (let tag = 0; tag < 8; tag++) rig.ring.nop(tag, KIND);
  const error = assertThrows(() => rig.ring.nop(8, KIND), SysError);
  assertEquals([error.call, error.code], ["io_uring_enter", Errno.EAGAIN]);
  assertEquals(rig.some(8).map(({ tag }) => tag), [0, 1, 2, 3, 4, 5, 6, 7]);
  assertEquals(rig.now(), []);
});

uringTest("a kernel that takes fewer requests than it is given gets the rest later", () => {
  using rig = new UringRig(8, 64, takingOneByOne);
  const tags = Array.from({ length: 20 }, (_, tag) => tag);
  for (const tag of tags) rig.ring.nop(tag, KIND);
  assertEquals(rig.some(20).map(({ tag }) => tag), tags);
});

uringTest(
  "waiting is not counted as waiting for a disk, where the kernel has a word for that",
  () => {
    const kernels: [Kernel, boolean][] = [[systemCalls, true], [
      withoutFeature(FEATURE_NO_IOWAIT),
      false,
    ]];
    for (const [kernel, able] of kernels) {
      const seen: boolean[] = [];
      using rig = new UringRig(8, 16, {
        ...kernel,
        enter(fd, submit, least, flags, argument) {
          seen.push((flags & ENTER_NO_IOWAIT) !== 0);
          return systemCalls.enter(fd, submit, least, flags, argument);
        },
      });
      const expected = able && (rig.ring.features & FEATURE_NO_IOWAIT) !== 0;
      rig.ring.wait(0);
      rig.ring.nop(1, KIND);
      rig.ring.wait(Infinity);
      assertEquals(seen, [expected, expected]);
    }
  },
);

uringTest("what the kernel refuses at the start has a name", () => {
  const memory = new Memory(4_096);
  // Fewer completions than requests.
  const error = assertThrows(() => new Ring({ entries: 64, completions: 2, memory }), SysError);
  assertEquals([error.call, error.code], ["io_uring_setup", Errno.EINVAL]);
  memory.free();
});

uringTest("sizes are made what the kernel can have", () => {
  const memory = new Memory(4_096);
  const ring = new Ring({ entries: 1 << 20, completions: 1 << 24, memory });
  for (let tag = 0; tag < 40_000; tag++) ring.nop(tag, KIND);
  ring.submit();
  assertEquals([ring.ready(), ring.completionTag(39_999)], [40_000, 39_999]);
  ring.close();
  memory.free();
});

uringTest("a closed ring lets go of what was under way", async () => {
  const memory = new Memory(4_096);
  const ring = new Ring({ entries: 8, completions: 16, memory });
  const [one, other] = streamPair();
  ring.recvInto(one, 0, 10, 0, 1, KIND);
  ring.submit();
  closeFd(one);
  const byte = new Uint8Array(128);
  const MSG_DONTWAIT = 0x40;
  assertEquals(Number(libc().recv(other, byte, 1n, MSG_DONTWAIT)), -1);
  ring.close();
  // Cancelling is left to a thread of the kernel.
  await eventually("the end of the stream", () => {
    return Number(libc().recv(other, byte, 1n, MSG_DONTWAIT)) === 0 || undefined;
  });
  closeFd(other);
  memory.free();
});

uringTest(
  "a closed ring leaves no descriptor and no mapping, and a second close does nothing",
  async () => {
    const program = new URL("../support/uring_leaks.ts", import.meta.url).pathname;
    const { stdout, stderr } = await run([Deno.execPath(), "run", "-A", "--no-check", program]);
    assertEquals(stderr, "");
    const { before, after, mapped } = JSON.parse(stdout);
    assertEquals(after, before);
    assertEquals(mapped, []);
  },
);
