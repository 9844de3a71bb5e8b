import { assert, assertEquals, assertThrows } from "@std/assert";
import { closeFd, socketPair } from "../../ffi/fd_passing_linux.ts";
import { Errno, libc, SysError } from "../../ffi/libc.ts";
import { BufferRing } from "../../ffi/uring_buffers_linux.ts";
import { bufferOf, hasBuffer, hasMore } from "../../ffi/uring_linux.ts";
import { pipePair, streamPair, tcpPair } from "../support/descriptor_pairs.ts";
import { type Completed, UringRig } from "../support/uring_rig.ts";
import { uringTest } from "../support/needs_uring.ts";

const GROUP = 7;
const SIZE = 1_000;
const KIND = 3;
const PIPE = 0;

/** A ring with one group of buffers, which lie in the memory one behind the other. */
class BufferRig extends UringRig {
  readonly count: number;
  readonly buffers: BufferRing;

  constructor(count: number, completions?: number) {
    super(8, completions);
    this.count = count;
    this.buffers = new BufferRing(this.ring, GROUP, count);
  }

  provideAll(): void {
    for (let buffer = 0; buffer < this.count; buffer++) this.provide(buffer);
    this.buffers.commit();
  }

  provide(buffer: number): void {
    this.buffers.provide(buffer, buffer * SIZE, SIZE);
  }

  provideAgain(completed: Completed): void {
    this.provide(bufferOf(completed.flags));
    this.buffers.commit();
  }

  receive(fd: number, tag: number, length = 0, pollFirst = false): void {
    this.ring.recvSelect(fd, GROUP, length, pollFirst, tag, KIND);
  }

  text({ result, flags }: Completed): string {
    assert(hasBuffer(flags));
    const at = bufferOf(flags) * SIZE;
    return new TextDecoder().decode(this.bytes.subarray(at, at + result));
  }

  override [Symbol.dispose](): void {
    this.buffers.close();
    super[Symbol.dispose]();
  }
}

function write(fd: number, text: string): void {
  const bytes = new Uint8Array(4_096);
  const { written } = new TextEncoder().encodeInto(text, bytes);
  assertEquals(Number(libc().write(fd, bytes, BigInt(written))), written);
}

for (const pollFirst of [false, true]) {
  const how = pollFirst ? "waited for first" : "tried at once";
  for (const [name, pair] of [["UNIX", streamPair], ["TCP", tcpPair]] as const) {
    uringTest(`${name}, ${how}: what comes is in the buffer that the completion names`, () => {
      using rig = new BufferRig(4);
      rig.provideAll();
      const [one, other] = pair();
      write(other, "there before");
      rig.receive(one, 1, 0, pollFirst);
      const first = rig.one();
      assertEquals([first.tag, first.kind, rig.text(first)], [1, KIND, "there before"]);
      assert(!hasMore(first.flags));
      rig.receive(one, 2, 0, pollFirst);
      assertEquals(rig.now(), []);
      write(other, "comes later");
      const second = rig.one();
      assertEquals(rig.text(second), "comes later");
      assert(bufferOf(first.flags) !== bufferOf(second.flags));
      closeFd(one);
      closeFd(other);
    });
  }
}

uringTest("a receive takes no more than it asks for, nor than the buffer has room for", () => {
  using rig = new BufferRig(4);
  rig.provideAll();
  const [one, other] = streamPair();
  write(other, "x".repeat(3 * SIZE));
  for (const [asked, got] of [[10, 10], [0, SIZE], [5 * SIZE, SIZE], [0, SIZE - 10]] as const) {
    rig.receive(one, 1, asked);
    assertEquals(rig.one().result, got);
  }
  closeFd(one);
  closeFd(other);
});

uringTest("a buffer may lie elsewhere each time, and have another size", () => {
  using rig = new BufferRig(1);
  const [one, other] = streamPair();
  for (const [at, length] of [[5_001, 3], [100_000, 6], [17, 1]] as const) {
    write(other, "abcdefg");
    rig.buffers.provide(0, at, length);
    rig.buffers.commit();
    rig.receive(one, 1);
    const { result, flags } = rig.one();
    assertEquals([result, bufferOf(flags)], [length, 0]);
    assertEquals(rig.bytes[at], "a".charCodeAt(0));
    assertEquals(rig.bytes[at + length], 0);
    rig.ring.recvInto(one, 200_000, 7 - length, 0, 2, KIND);
    assertEquals(rig.one().result, 7 - length);
  }
  closeFd(one);
  closeFd(other);
});

uringTest("a buffer counts from its commit on", () => {
  using rig = new BufferRig(2);
  const [one, other] = streamPair();
  write(other, "data");
  rig.provide(0);
  rig.receive(one, 1);
  assertEquals(rig.one().result, -Errno.ENOBUFS);
  rig.buffers.commit();
  rig.receive(one, 2);
  assertEquals(rig.text(rig.one()), "data");
  closeFd(one);
  closeFd(other);
});

uringTest("without a buffer a receive ends with ENOBUFS, and what has come stays", () => {
  using rig = new BufferRig(2);
  rig.provideAll();
  const pairs = [streamPair(), streamPair(), streamPair()];
  pairs.forEach(([one], tag) => rig.receive(one, tag));
  pairs.forEach(([, other], tag) => write(other, `flow ${tag}`));
  const done = rig.byTag(3);
  const starved = [...done.values()].filter(({ result }) => result === -Errno.ENOBUFS);
  assertEquals(starved.length, 1);
  assert(!hasBuffer(starved[0]!.flags));
  const fed = [...done.values()].filter(({ result }) => result > 0);
  assertEquals(fed.map((completed) => rig.text(completed)), fed.map(({ tag }) => `flow ${tag}`));
  const { tag } = starved[0]!;
  rig.provideAgain(fed[0]!);
  rig.receive(pairs[tag]![0], tag);
  assertEquals(rig.text(rig.one()), `flow ${tag}`);
  pairs.flat().forEach(closeFd);
});

uringTest(
  "a flow with data without end takes one buffer per receive, and another has its turn",
  () => {
    using rig = new BufferRig(4);
    rig.provideAll();
    const [greedy, source] = streamPair();
    const [modest, sender] = streamPair();
    write(source, "x".repeat(4_000));
    // As many as the flow may hold: two, one after the other.
    for (let i = 0; i < 2; i++) {
      rig.receive(greedy, 1);
      assertEquals(rig.one().result, SIZE);
    }
    rig.receive(modest, 2);
    write(sender, "little");
    const completed = rig.one();
    assertEquals([completed.tag, rig.text(completed)], [2, "little"]);
    [greedy, source, modest, sender].forEach(closeFd);
  },
);

uringTest("the end of a stream and an error take no buffer", () => {
  using rig = new BufferRig(1);
  rig.provideAll();
  const [one, other] = streamPair();
  closeFd(other);
  for (let i = 0; i < 3; i++) {
    rig.receive(one, i);
    const { result, flags } = rig.one();
    assertEquals([result, hasBuffer(flags)], [0, false]);
  }
  // Never open: far above every limit.
  rig.receive(0x7000_0000, 4);
  const { result, flags } = rig.one();
  assertEquals([result, hasBuffer(flags)], [-Errno.EBADF, false]);
  const [next, sender] = streamPair();
  write(sender, "still there");
  rig.receive(next, 5);
  assertEquals(rig.text(rig.one()), "still there");
  [one, next, sender].forEach(closeFd);
});

uringTest("a buffer whose receive was cancelled is there for the next", () => {
  using rig = new BufferRig(1);
  rig.provideAll();
  const [one, other] = streamPair();
  rig.receive(one, 1);
  rig.ring.cancelFd(one, 2, KIND);
  const done = rig.byTag(2);
  assertEquals(hasBuffer(done.get(1)!.flags), false);
  write(other, "data");
  rig.receive(one, 3);
  assertEquals(rig.text(rig.one()), "data");
  closeFd(one);
  closeFd(other);
});

uringTest("buffers go round and round, further than the queue can count", () => {
  using rig = new BufferRig(2);
  rig.provideAll();
  const [one, other] = socketPair();
  const bytes = new Uint32Array(32);
  for (let round = 0; round < 70_000; round++) {
    bytes[0] = round;
    libc().send(other, new Uint8Array(bytes.buffer), 4n, 0);
    rig.ring.recvSelect(one, GROUP, 0, false, round, KIND);
    rig.ring.wait(Infinity);
    const buffer = bufferOf(rig.ring.completionFlags(0));
    // Compared without the cost of an assertion.
    if (rig.ring.completionResult(0) !== 4 || number(rig.bytes, buffer * SIZE) !== round) {
      throw new Error(`Round ${round} has something else`);
    }
    rig.ring.consumed(1);
    rig.provide(buffer);
    rig.buffers.commit();
  }
  closeFd(one);
  closeFd(other);
});

function number(bytes: Uint8Array, at: number): number {
  return bytes[at]! | bytes[at + 1]! << 8 | bytes[at + 2]! << 16;
}

uringTest(
  "a multishot read takes a buffer per read until there is none, and goes on when made anew",
  () => {
    using rig = new BufferRig(2);
    rig.provideAll();
    const [reader, writer] = pipePair();
    write(writer, "there before");
    rig.ring.readMultishot(reader, GROUP, PIPE, KIND);
    const first = rig.one();
    assertEquals([rig.text(first), hasMore(first.flags)], ["there before", true]);
    assertEquals(rig.now(), []);
    write(writer, "second");
    const second = rig.one();
    assertEquals([rig.text(second), hasMore(second.flags)], ["second", true]);
    write(writer, "third");
    const third = rig.one();
    assertEquals([third.result, hasBuffer(third.flags)], [-Errno.ENOBUFS, false]);
    assertEquals(hasMore(third.flags), false);
    rig.provideAgain(first);
    rig.ring.readMultishot(reader, GROUP, PIPE, KIND);
    assertEquals(rig.text(rig.one()), "third");
    closeFd(reader);
    closeFd(writer);
  },
);

uringTest("a multishot read ends with its stream, and when it is cancelled", () => {
  using rig = new BufferRig(2);
  rig.provideAll();
  const [reader, writer] = pipePair();
  rig.ring.readMultishot(reader, GROUP, PIPE, KIND);
  rig.ring.submit();
  closeFd(writer);
  const end = rig.one();
  assertEquals([end.result, hasMore(end.flags), hasBuffer(end.flags)], [0, false, false]);
  closeFd(reader);

  const [other, open] = pipePair();
  rig.ring.readMultishot(other, GROUP, 1, KIND);
  rig.ring.cancelFd(other, 2, KIND);
  const done = rig.byTag(2);
  assertEquals([hasMore(done.get(1)!.flags), done.get(2)!.result], [false, 1]);
  closeFd(other);
  closeFd(open);
});

uringTest("a multishot read with more completions than there are places for loses none", () => {
  using rig = new BufferRig(32, 8);
  rig.provideAll();
  const [one, other] = socketPair();
  const messages = Array.from({ length: 32 }, (_, i) => `message ${i}`);
  for (const message of messages) write(other, message);
  rig.ring.readMultishot(one, GROUP, PIPE, KIND);
  const got: string[] = [];
  while (got.length < messages.length) {
    const completed = rig.one();
    got.push(rig.text(completed));
    if (!hasMore(completed.flags)) rig.ring.readMultishot(one, GROUP, PIPE, KIND);
  }
  assertEquals(got, messages);
  closeFd(one);
  closeFd(other);
});

uringTest("two groups do not touch each other", () => {
  using rig = new BufferRig(1);
  rig.provideAll();
  const others = new BufferRing(rig.ring, GROUP + 1, 1);
  others.provide(0, 50_000, 10);
  others.commit();
  const [one, other] = streamPair();
  write(other, "text");
  rig.ring.recvSelect(one, GROUP + 1, 0, false, 1, KIND);
  assertEquals(rig.one().result, 4);
  assertEquals([rig.bytes[50_000], rig.bytes[0]], ["t".charCodeAt(0), 0]);
  others.close();
  write(other, "text");
  rig.ring.recvSelect(one, GROUP + 1, 0, false, 2, KIND);
  assertEquals(rig.one().result, -Errno.ENOBUFS);
  rig.receive(one, 3);
  assertEquals(rig.text(rig.one()), "text");
  closeFd(one);
  closeFd(other);
});

uringTest("a group that exists, and a size that is no power of two, are refused", () => {
  using rig = new BufferRig(4);
  const twice = assertThrows(() => new BufferRing(rig.ring, GROUP, 4), SysError);
  assertEquals([twice.call, twice.code], ["io_uring_register", Errno.EEXIST]);
  const odd = assertThrows(() => new BufferRing(rig.ring, GROUP + 1, 3), SysError);
  assertEquals(odd.code, Errno.EINVAL);
  // After the close the number is free again.
  const other = new BufferRing(rig.ring, GROUP + 1, 4);
  other.close();
  new BufferRing(rig.ring, GROUP + 1, 4).close();
});
