import { assert, assertEquals } from "@std/assert";
import { closeFd } from "../../ffi/fd_passing_linux.ts";
import { Errno, libc } from "../../ffi/libc.ts";
import { EventFd } from "../../ffi/event_fd_linux.ts";
import { hasMore, MessageFlag } from "../../ffi/uring_linux.ts";
import { PollEvent } from "../../ffi/poller_linux.ts";
import { sameBytes } from "../../src/bytes.ts";
import {
  acceptFrom,
  boundSocket,
  pipePair,
  streamPair,
  tcpListener,
  tcpPair,
  tcpSocket,
} from "../support/descriptor_pairs.ts";
import { UringRig } from "../support/uring_rig.ts";
import { uringTest } from "../support/needs_uring.ts";

const ECANCELED = 125;
const SOL_SOCKET = 1;
const SO_SNDBUF = 7;
const SO_RCVBUF = 8;
/** Far above every limit. */
const NEVER_OPEN = 0x7000_0000;
const KIND = 7;
const SENT = 1;
const { WaitAll, NoSignal } = MessageFlag;

function fill(bytes: Uint8Array, at: number, end: number): Uint8Array {
  for (let i = at; i < end; i++) bytes[i] = (i * 31) >>> 3;
  return bytes.slice(at, end);
}

function shrinkBuffers(...fds: number[]): void {
  const size = new Uint8Array(128);
  size[1] = 64;
  for (const fd of fds) {
    for (const option of [SO_SNDBUF, SO_RCVBUF]) {
      assertEquals(libc().setsockopt(fd, SOL_SOCKET, option, size, 4), 0);
    }
  }
}

/** Writes from the middle of nowhere: not through a ring. */
function write(fd: number, text: string): void {
  const bytes = new Uint8Array(128);
  const { written } = new TextEncoder().encodeInto(text, bytes);
  assertEquals(Number(libc().write(fd, bytes, BigInt(written))), written);
}

/** Reads likewise, without waiting: text, "" at the end, or undefined when there is nothing. */
function read(fd: number): string | undefined {
  const bytes = new Uint8Array(128);
  const MSG_DONTWAIT = 0x40;
  const length = Number(libc().recv(fd, bytes, 128n, MSG_DONTWAIT));
  return length < 0 ? undefined : new TextDecoder().decode(bytes.subarray(0, length));
}

function text(bytes: Uint8Array, at: number, length: number): string {
  return new TextDecoder().decode(bytes.subarray(at, at + length));
}

uringTest("a completion brings back the two numbers of its request, all 64 bits of them", () => {
  using rig = new UringRig();
  const numbers = [0, 1, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff];
  for (const tag of numbers) for (const kind of numbers) rig.ring.nop(tag, kind);
  for (const tag of numbers) {
    for (const kind of numbers) assertEquals(rig.one(), { tag, kind, result: 0, flags: 0 });
  }
  assertEquals(rig.now(), []);
});

for (const [name, pair] of [["UNIX", streamPair], ["TCP", tcpPair]] as const) {
  uringTest(`${name}: what is sent from one place is received at another`, () => {
    using rig = new UringRig();
    const [one, other] = pair();
    const sent = fill(rig.bytes, 1_001, 6_001);
    rig.ring.recvInto(other, 20_003, 4_999, WaitAll, 1, KIND);
    rig.ring.send(one, 1_001, 6_001, WaitAll | NoSignal, 2, KIND);
    const done = rig.byTag(2);
    assertEquals([done.get(1)!.result, done.get(2)!.result], [4_999, 5_000]);
    assertEquals(rig.bytes.subarray(20_003, 25_002), sent.subarray(0, 4_999));
    assertEquals([rig.bytes[20_002], rig.bytes[25_002]], [0, 0]);
    closeFd(one);
    closeFd(other);
  });

  uringTest(
    `${name}: a send that waits for all is one completion, however slowly it is read`,
    () => {
      using rig = new UringRig();
      const [one, other] = pair();
      shrinkBuffers(one, other);
      const [half, piece] = [1 << 21, 1 << 16];
      const sent = fill(rig.bytes, 0, half);
      rig.ring.send(one, 0, half, WaitAll | NoSignal, SENT, KIND);
      assertEquals(rig.now(), []);
      const done = [];
      for (let at = half; at < 2 * half; at += piece) {
        rig.ring.recvInto(other, at, piece, WaitAll, at, KIND);
        do done.push(rig.one()); while (!done.some(({ tag }) => tag === at));
      }
      if (!done.some(({ tag }) => tag === SENT)) done.push(rig.one());
      assertEquals(done.find(({ tag }) => tag === SENT)!.result, half);
      assert(done.every(({ tag, result }) => tag === SENT || result === piece));
      assert(sameBytes(rig.bytes, half, sent, 0, half));
      closeFd(one);
      closeFd(other);
    },
  );

  uringTest(`${name}: a send that does not wait for all gives a part`, () => {
    using rig = new UringRig();
    const [one, other] = pair();
    shrinkBuffers(one, other);
    rig.ring.send(one, 0, 1 << 21, NoSignal, 1, KIND);
    const { result } = rig.one();
    assert(result > 0 && result < 1 << 21);
    closeFd(one);
    closeFd(other);
  });

  uringTest(`${name}: the end of a stream is 0, a closed peer an error, and no signal`, () => {
    using rig = new UringRig();
    const [one, other] = pair();
    write(one, "last");
    closeFd(one);
    rig.ring.recvInto(other, 0, 10, WaitAll, 1, KIND);
    assertEquals(rig.one().result, 4);
    rig.ring.recvInto(other, 0, 10, 0, 1, KIND);
    assertEquals(rig.one().result, 0);
    // TCP is told by the answer to the first one.
    rig.ring.send(other, 0, 10, NoSignal, 1, KIND);
    rig.one();
    rig.ring.pollOnce(other, PollEvent.HungUp, 1, KIND);
    rig.one();
    rig.ring.send(other, 0, 10, NoSignal, 1, KIND);
    assertEquals(rig.one().result, -Errno.EPIPE);
    closeFd(other);
  });
}

uringTest("a connection is made, and is refused", () => {
  using rig = new UringRig();
  const listener = tcpListener();
  rig.bytes.set(listener.address.subarray(0, 16), 300);
  const client = tcpSocket();
  rig.ring.connect(client, 300, 16, 1, KIND);
  assertEquals(rig.one(), { tag: 1, kind: KIND, result: 0, flags: 0 });
  const server = acceptFrom(listener.fd);
  write(server, "welcome");
  rig.ring.recvInto(client, 0, 7, WaitAll, 2, KIND);
  assertEquals(rig.one().result, 7);

  const refusing = boundSocket();
  rig.bytes.set(refusing.address.subarray(0, 16), 300);
  const refused = tcpSocket();
  rig.ring.connect(refused, 300, 16, 3, KIND);
  assertEquals(rig.one().result, -Errno.ECONNREFUSED);
  [listener.fd, client, server, refusing.fd, refused].forEach(closeFd);
});

uringTest("a descriptor is closed, and only a failure is reported", () => {
  using rig = new UringRig();
  const [one, other] = streamPair();
  rig.ring.closeFd(one, 1, KIND);
  assertEquals(rig.now(), []);
  assertEquals(read(other), "");
  rig.ring.closeFd(NEVER_OPEN, 2, KIND);
  assertEquals(rig.one().result, -Errno.EBADF);
  closeFd(other);
});

uringTest("what is under way on a closed descriptor goes on; cancelled before, it ends", () => {
  using rig = new UringRig();
  for (const cancelled of [false, true]) {
    const [one, other] = streamPair();
    rig.ring.recvInto(one, 0, 10, 0, 1, KIND);
    if (cancelled) rig.ring.cancelFd(one, 2, KIND);
    rig.ring.closeFd(one, 3, KIND);
    if (cancelled) {
      const done = rig.byTag(2);
      assertEquals([1, 2].map((tag) => done.get(tag)!.result), [-ECANCELED, 1]);
      assertEquals(read(other), "");
    } else {
      assertEquals(rig.now(), []);
      write(other, "late");
      assertEquals(rig.one(), { tag: 1, kind: KIND, result: 4, flags: 0 });
      assertEquals(read(other), "");
    }
    closeFd(other);
  }
});

uringTest("a read of an eventfd ends when it is signalled", () => {
  using rig = new UringRig();
  const event = new EventFd();
  rig.ring.read(event.fd, 80, 8, 1, KIND);
  assertEquals(rig.now(), []);
  event.signal();
  event.signal();
  // The first signal has ended it, or both have.
  assertEquals(rig.one(), { tag: 1, kind: KIND, result: 8, flags: 0 });
  assertEquals(rig.bytes[80]! + event.drain(), 2);
  event.close();
});

uringTest("several vectors are written in one go", () => {
  using rig = new UringRig();
  const [reader, writer] = pipePair();
  rig.bytes.set(new TextEncoder().encode("header"), 1_000);
  rig.bytes.set(new TextEncoder().encode("payload"), 2_000);
  const words = new Uint32Array(rig.bytes.buffer, 0, 8);
  rig.memory.writeAddress(words, 0, 1_000);
  words[2] = 6;
  rig.memory.writeAddress(words, 4, 2_000);
  words[6] = 7;
  rig.ring.writev(writer, 0, 2, 1, KIND);
  assertEquals(rig.one().result, 13);
  rig.ring.read(reader, 3_000, 100, 2, KIND);
  assertEquals(rig.one().result, 13);
  assertEquals(text(rig.bytes, 3_000, 13), "headerpayload");
  closeFd(reader);
  closeFd(writer);
});

uringTest("a poll completes once with what is true", () => {
  using rig = new UringRig();
  const [one, other] = streamPair();
  rig.ring.pollOnce(one, PollEvent.Readable, 1, KIND);
  assertEquals(rig.now(), []);
  write(other, "a");
  assertEquals(rig.one(), { tag: 1, kind: KIND, result: PollEvent.Readable, flags: 0 });
  write(other, "b");
  assertEquals(rig.now(), []);
  rig.ring.pollOnce(one, PollEvent.Readable | PollEvent.Writable, 2, KIND);
  assertEquals(rig.one().result, PollEvent.Readable | PollEvent.Writable);
  closeFd(one);
  closeFd(other);
});

uringTest("a multishot poll completes at every change, until it is removed", () => {
  using rig = new UringRig();
  const event = new EventFd();
  rig.ring.pollMultishot(event.fd, PollEvent.Readable, 1, KIND);
  assertEquals(rig.now(), []);
  for (let round = 0; round < 3; round++) {
    event.signal();
    const completed = rig.one();
    assertEquals([completed.tag, completed.result], [1, PollEvent.Readable]);
    assert(hasMore(completed.flags));
    assertEquals(event.drain(), 1);
    assertEquals(rig.now(), []);
  }
  rig.ring.pollRemove(1, KIND, 2, KIND);
  const done = rig.byTag(2);
  assertEquals([done.get(1)!.result, done.get(2)!.result], [-ECANCELED, 0]);
  assert(!hasMore(done.get(1)!.flags));
  event.signal();
  assertEquals(rig.now(), []);
  rig.ring.pollRemove(1, KIND, 3, KIND);
  assertEquals(rig.one().result, -Errno.ENOENT);
  event.close();
});

uringTest("a timeout completes when it is over, or at another time that it is given", () => {
  using rig = new UringRig();
  rig.ring.timeout(0, 1, KIND);
  assertEquals(rig.one(), { tag: 1, kind: KIND, result: -Errno.ETIME, flags: 0 });
  rig.ring.timeout(3_600_000, 2, KIND);
  assertEquals(rig.now(), []);
  rig.ring.timeoutUpdate(0.5, 2, KIND, 3, KIND);
  assertEquals(rig.one(), { tag: 2, kind: KIND, result: -Errno.ETIME, flags: 0 });
  rig.ring.timeoutUpdate(0, 2, KIND, 4, KIND);
  assertEquals(rig.one(), { tag: 4, kind: KIND, result: -Errno.ENOENT, flags: 0 });
});

uringTest("all that is under way on a descriptor is cancelled, and nothing on another", () => {
  using rig = new UringRig();
  const [one, other] = tcpPair();
  for (let tag = 1; tag <= 3; tag++) rig.ring.recvInto(one, 0, 10, 0, tag, KIND);
  rig.ring.recvInto(other, 0, 10, 0, 4, KIND);
  rig.ring.cancelFd(one, 9, KIND);
  const done = rig.byTag(4);
  assertEquals([1, 2, 3].map((tag) => done.get(tag)!.result), Array(3).fill(-ECANCELED));
  assertEquals(done.get(9)!.result, 3);
  assertEquals(rig.now(), []);
  rig.ring.cancelAll(10, KIND);
  const rest = rig.byTag(2);
  assertEquals([rest.get(4)!.result, rest.get(10)!.result], [-ECANCELED, 1]);
  closeFd(one);
  closeFd(other);
});

uringTest(
  "more requests than there are places for: the full queue is handed over by itself",
  () => {
    using rig = new UringRig(8, 256);
    const count = 3 * 8 + 5;
    for (let tag = 0; tag < count; tag++) rig.ring.nop(tag, KIND);
    assertEquals(rig.some(count).map(({ tag }) => tag), Array.from({ length: count }, (_, i) => i));
  },
);

uringTest("more completions than there are places for: none is lost, none comes twice", () => {
  using rig = new UringRig(8, 16);
  const count = 500;
  for (let tag = 0; tag < count; tag++) rig.ring.nop(tag, KIND);
  rig.ring.submit();
  assertEquals(rig.ring.ready(), 16);
  assertEquals(rig.some(count).map(({ tag }) => tag), Array.from({ length: count }, (_, i) => i));
  assertEquals(rig.now(), []);
});

uringTest("completions stay where they are until they are said to be consumed", () => {
  using rig = new UringRig(8, 16);
  for (let tag = 1; tag <= 5; tag++) rig.ring.nop(tag, KIND);
  rig.ring.submit();
  assertEquals(rig.ring.ready(), 5);
  rig.ring.consumed(2);
  assertEquals([rig.ring.ready(), rig.ring.completionTag(0), rig.ring.completionTag(2)], [3, 3, 5]);
  rig.ring.nop(6, KIND);
  // There are some: it does not wait for more.
  rig.ring.wait(Infinity);
  assertEquals(rig.ring.ready(), 4);
  rig.ring.wait(Infinity);
  assertEquals(rig.ring.ready(), 4);
  rig.ring.consumed(4);
  assertEquals(rig.ring.ready(), 0);
});

uringTest("the numbers of requests and completions go round", () => {
  using rig = new UringRig(8, 16);
  for (let round = 0; round < 1_000; round++) {
    for (let i = 0; i < round % 8; i++) rig.ring.nop(round, i);
    const done = rig.now();
    assertEquals(done.map(({ kind }) => kind), Array.from({ length: round % 8 }, (_, i) => i));
    assert(done.every(({ tag }) => tag === round));
  }
});
