import { assert, assertEquals, assertThrows } from "@std/assert";
import { Errno, SysError } from "../../ffi/libc.ts";
import { sendUnixDatagram } from "../../ffi/unix_datagram_linux.ts";
import { uniqueName, UnixReceiver } from "../support/unix_receiver.ts";

const encoder = new TextEncoder();

function codeOf(send: () => void): number {
  return assertThrows(send, SysError).code;
}

Deno.test("a datagram reaches a socket by its path", () => {
  const folder = Deno.makeTempDirSync();
  try {
    using receiver = new UnixReceiver(`${folder}/socket`);
    sendUnixDatagram(receiver.name, encoder.encode("one"));
    sendUnixDatagram(receiver.name, encoder.encode("two ".repeat(1000)));
    assertEquals(receiver.receive(), "one");
    assertEquals(receiver.receive(), "two ".repeat(1000));
    assertEquals(receiver.receive(), undefined);
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
});

Deno.test("a datagram reaches a socket by a name without a file, and no other name", () => {
  using receiver = new UnixReceiver(uniqueName());
  sendUnixDatagram(receiver.name, encoder.encode("hello"));
  assertEquals(receiver.receive(), "hello");
  const shorter = receiver.name.slice(0, -1);
  assertEquals(codeOf(() => sendUnixDatagram(shorter, encoder.encode("x"))), Errno.ECONNREFUSED);
  assertEquals(receiver.receive(), undefined);
});

Deno.test("a socket that does not read is not waited for", () => {
  using receiver = new UnixReceiver(uniqueName());
  const flood = () => {
    for (let sent = 0; sent < 100_000; sent++) sendUnixDatagram(receiver.name, new Uint8Array(1));
  };
  assertEquals(codeOf(flood), Errno.EAGAIN);
  assert(receiver.receive() !== undefined);
});

Deno.test("a socket that is not there, and a name that no socket can have, are errors", () => {
  assertEquals(codeOf(() => sendUnixDatagram("/nowhere/socket", new Uint8Array(1))), Errno.ENOENT);
  const longest = `@${"x".repeat(107)}`;
  assertEquals(codeOf(() => sendUnixDatagram(longest, new Uint8Array(1))), Errno.ECONNREFUSED);
  assertEquals(codeOf(() => sendUnixDatagram(`${longest}x`, new Uint8Array(1))), Errno.EINVAL);
});
