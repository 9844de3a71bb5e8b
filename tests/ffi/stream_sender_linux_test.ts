import { assert, assertEquals } from "@std/assert";
import { closeFd } from "../../ffi/fd_passing_linux.ts";
import { Errno, libc } from "../../ffi/libc.ts";
import { Memory } from "../../ffi/memory.ts";
import { STREAM_SENDER_SIZE, StreamSender } from "../../ffi/stream_sender_linux.ts";
import { sendReset } from "../../ffi/tcp_socket_linux.ts";
import { streamPair, tcpPair } from "../support/descriptor_pairs.ts";

const SIZE = 1 << 22;
const SENDER_AT = 64;
const FROM = 4_096;

interface Rig {
  readonly sender: StreamSender;
  readonly bytes: Uint8Array;
  readonly one: number;
  readonly other: number;
}

function withSender([one, other]: [number, number], body: (rig: Rig) => void): void {
  const memory = new Memory(SIZE);
  const { bytes } = memory;
  for (let at = FROM; at < SIZE; at++) bytes[at] = at * 7;
  try {
    body({ sender: new StreamSender(memory, SENDER_AT), bytes, one, other });
  } finally {
    closeFd(one);
    closeFd(other);
    memory.free();
  }
}

function read(fd: number, length: number): Uint8Array {
  const buffer = new Uint8Array(Math.max(length, 128));
  const taken = Number(libc().read(fd, buffer, BigInt(length)));
  return buffer.slice(0, Math.max(taken, 0));
}

for (const [name, pair] of [["TCP", tcpPair], ["a UNIX socket", streamPair]] as const) {
  Deno.test(`the range that is named is what arrives over ${name}, time after time`, () => {
    withSender(pair(), ({ sender, bytes, one, other }) => {
      for (const [at, end] of [[FROM, FROM + 1], [5_000, 9_000], [FROM, FROM + 3]] as const) {
        assertEquals(sender.send(one, at, end), end - at);
        assertEquals(read(other, 1 << 16), bytes.slice(at, end));
      }
    });
  });
}

Deno.test("it writes nothing outside its own place", () => {
  withSender(streamPair(), ({ sender, bytes, one }) => {
    sender.send(one, FROM, FROM + 10);
    assertEquals(new Set(bytes.subarray(0, SENDER_AT)), new Set([0]));
    assertEquals(new Set(bytes.subarray(SENDER_AT + STREAM_SENDER_SIZE, FROM)), new Set([0]));
  });
});

Deno.test("a socket that waits by itself is not waited for: it takes a part, then nothing", () => {
  withSender(tcpPair(), ({ sender, bytes, one, other }) => {
    let at = FROM;
    let taken = sender.send(one, at, SIZE);
    assert(taken > 0 && taken < SIZE - FROM, `${taken} bytes are taken`);
    for (; taken > 0; taken = sender.send(one, at, SIZE)) at += taken;
    assertEquals(taken, -Errno.EAGAIN);
    for (let from = FROM; from < at;) {
      const piece = read(other, at - from);
      assertEquals(piece, bytes.slice(from, from + piece.length));
      from += piece.length;
    }
  });
});

Deno.test("a connection that was reset is an error, and no signal", () => {
  withSender(tcpPair(), ({ sender, one, other }) => {
    sendReset(other);
    assertEquals(sender.send(one, FROM, FROM + 10), -Errno.ECONNRESET);
    assertEquals(sender.send(one, FROM, FROM + 10), -Errno.EPIPE);
  });
});

Deno.test("no descriptor is an error", () => {
  withSender(streamPair(), ({ sender }) => {
    assertEquals(sender.send(-1, FROM, FROM + 10), -Errno.EBADF);
  });
});
