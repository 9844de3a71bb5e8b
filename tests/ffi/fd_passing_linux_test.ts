import { assert, assertEquals, assertThrows } from "@std/assert";
import { closeFd, MessageSocket, setInherited, socketPair } from "../../ffi/fd_passing_linux.ts";
import { SysError } from "../../ffi/libc.ts";
import { eventually } from "../support/eventually.ts";

function pair(): [MessageSocket, MessageSocket] {
  const [one, other] = socketPair();
  return [new MessageSocket(one), new MessageSocket(other)];
}

const bytes = (text: string) => new TextEncoder().encode(text);

Deno.test("messages keep their borders", () => {
  const [one, other] = pair();
  one.send(bytes("first"));
  one.send(new Uint8Array(65_536).fill(7));
  assertEquals(other.receive(), { bytes: bytes("first"), fd: -1 });
  assertEquals(other.receive()?.bytes.length, 65_536);
  assertThrows(() => one.send(new Uint8Array(65_537)), SysError, "EMSGSIZE");
  one.close();
  one.close();
  assertEquals(other.receive(), undefined);
  other.close();
});

Deno.test("a descriptor arrives as a new one for the same file", () => {
  const [one, other] = pair();
  const [left, right] = socketPair();
  one.send(bytes("take this"), right);
  closeFd(right);
  const message = other.receive()!;
  assert(message.fd >= 0);
  const far = new MessageSocket(message.fd);
  const near = new MessageSocket(left);
  near.send(bytes("through"));
  assertEquals(far.receive()?.bytes, bytes("through"));
  for (const socket of [one, other, near, far]) socket.close();
});

Deno.test("waiting leaves the thread free, and ends with the other side", async () => {
  const [one, other] = pair();
  const waiting = other.receiveLater();
  await Promise.resolve();
  assertThrows(() => other.close(), Error, "being waited for");
  one.send(bytes("late"));
  assertEquals((await waiting)?.bytes, bytes("late"));
  const end = other.receiveLater();
  one.close();
  assertEquals(await end, undefined);
  other.close();
});

Deno.test("sending to nobody fails without a signal", async () => {
  const [one, other] = pair();
  other.close();
  // A program that another test starts just now may have a copy of it until it runs.
  await eventually("nobody to be there", () => {
    return assertThrows(() => one.send(bytes("x")), SysError, "EPIPE");
  });
  one.close();
});

Deno.test("only a descriptor marked so is inherited", async () => {
  const [kept, given] = socketPair();
  setInherited(given, true);
  const { stdout } = await new Deno.Command("ls", { args: ["/proc/self/fd"] }).output();
  const inherited = new TextDecoder().decode(stdout).split("\n").map(Number);
  assert(inherited.includes(given));
  assert(!inherited.includes(kept));
  closeFd(kept);
  closeFd(given);
});
