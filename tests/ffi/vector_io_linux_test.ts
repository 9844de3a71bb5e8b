import { assert, assertEquals } from "@std/assert";
import { closeFd, socketPair } from "../../ffi/fd_passing_linux.ts";
import { Errno, libc } from "../../ffi/libc.ts";
import { Memory } from "../../ffi/memory.ts";
import { VECTOR_SIZE, VectorIo } from "../../ffi/vector_io_linux.ts";
import { get32le } from "../../src/bytes.ts";

const F_SETFL = 4;
const O_NONBLOCK = 0o4000;
const AF_UNIX = 1;
const SOCK_STREAM_NONBLOCK_CLOEXEC = 1 | 0o4000 | 0o2000000;
const SIZE = 1 << 20;
/** Far above every limit. */
const NEVER_OPEN = 0x7000_0000;

interface Fixture extends Disposable {
  readonly bytes: Uint8Array;
  readonly io: VectorIo;
  readonly one: number;
  readonly other: number;
  closeOne(): void;
}

/** Two sockets that keep messages apart, or a stream; the vector lies behind the data. */
function fixture(kind: "messages" | "stream"): Fixture {
  const [one, other] = kind === "messages" ? socketPair() : streamPair();
  for (const fd of [one, other]) libc().fcntl(fd, F_SETFL, O_NONBLOCK);
  const memory = new Memory(SIZE + VECTOR_SIZE);
  let open = true;
  function closeOne(): void {
    if (open) closeFd(one);
    open = false;
  }
  return {
    bytes: memory.bytes,
    io: new VectorIo(memory, SIZE),
    one,
    other,
    closeOne,
    [Symbol.dispose]() {
      closeOne();
      closeFd(other);
      memory.free();
    },
  };
}

function streamPair(): [number, number] {
  const pair = new Uint8Array(128);
  assertEquals(libc().socketpair(AF_UNIX, SOCK_STREAM_NONBLOCK_CLOEXEC, 0, pair), 0);
  return [get32le(pair, 0), get32le(pair, 4)];
}

Deno.test("what is written at one place is read at another, and nothing around it changes", () => {
  using it = fixture("messages");
  for (
    const [from, to, length] of [[0, 5_000, 1], [777, 100_001, 4_097], [1, 0, 60_000]] as const
  ) {
    it.bytes.fill(0xee, 0, SIZE);
    for (let i = 0; i < length; i++) it.bytes[from + i] = i * 7;
    const sent = it.bytes.slice(from, from + length);
    assertEquals(it.io.write(it.one, from, from + length), length);
    it.bytes.fill(0xee, 0, SIZE);
    assertEquals(it.io.read(it.other, to, length + 10), length);
    assertEquals(it.bytes.slice(to, to + length), sent);
    assertEquals([it.bytes[to - 1] ?? 0xee, it.bytes[to + length]], [0xee, 0xee]);
  }
});

Deno.test("nothing to read, and no room to write, is EAGAIN and not a wait", () => {
  using it = fixture("stream");
  assertEquals(it.io.read(it.other, 0, 100), -Errno.EAGAIN);
  let taken = 0;
  let last = 0;
  while (last >= 0) {
    last = it.io.write(it.one, 0, SIZE);
    if (last > 0) taken += last;
  }
  assertEquals(last, -Errno.EAGAIN);
  let read = 0;
  for (let length = 1; length > 0;) {
    length = it.io.read(it.other, 0, SIZE);
    if (length > 0) read += length;
  }
  assert(taken > 0);
  assertEquals(read, taken);
});

Deno.test("a read takes no more than there is room for", () => {
  using it = fixture("stream");
  it.bytes.fill(1, 0, 100);
  assertEquals(it.io.write(it.one, 0, 100), 100);
  assertEquals(it.io.read(it.other, 1_000, 60), 60);
  assertEquals(it.bytes[1_060], 0);
  assertEquals(it.io.read(it.other, 2_000, 60), 40);
});

Deno.test("the end of a stream is 0; a reader that is gone, and what is not open, are errors", () => {
  using it = fixture("stream");
  it.closeOne();
  assertEquals(it.io.read(it.other, 0, 10), 0);
  assertEquals(it.io.write(it.other, 0, 10), -Errno.EPIPE);
  assertEquals(it.io.read(NEVER_OPEN, 0, 10), -Errno.EBADF);
  assertEquals(it.io.write(NEVER_OPEN, 0, 10), -Errno.EBADF);
});

Deno.test("two of them in one memory do not touch each other's vector", () => {
  const memory = new Memory(8_192);
  const reader = new VectorIo(memory, 4_096);
  const writer = new VectorIo(memory, 4_096 + VECTOR_SIZE);
  const [one, other] = streamPair();
  memory.bytes.set([1, 2, 3]);
  assertEquals(writer.write(one, 0, 3), 3);
  assertEquals(reader.read(other, 100, 10), 3);
  assertEquals(writer.write(one, 1, 3), 2);
  assertEquals(reader.read(other, 200, 10), 2);
  assertEquals([...memory.bytes.subarray(100, 103)], [1, 2, 3]);
  assertEquals([...memory.bytes.subarray(200, 202)], [2, 3]);
  closeFd(one);
  closeFd(other);
  memory.free();
});
