import { assert, assertEquals, assertNotEquals, assertThrows } from "@std/assert";
import { libc, SysError } from "../../ffi/libc.ts";
import { addressOf, Memory } from "../../ffi/memory.ts";

const PAGE = 4_096;
const SIZE = 64 * PAGE;

/** Has the kernel copy `length` bytes between two addresses of this process, through a pipe of its own. */
function throughKernel(from: number, to: number, length: number): void {
  const fd = libc().eventfd(0, 0);
  const vector = new BigUint64Array(16);
  const bytes = new Uint8Array(vector.buffer);
  vector.set([BigInt(from), BigInt(length)]);
  assertEquals(Number(libc().writev(fd, bytes, 1)), length);
  vector.set([BigInt(to), BigInt(length)]);
  assertEquals(Number(libc().readv(fd, bytes, 1)), length);
  libc().close(fd);
}

Deno.test("the kernel reads and writes at the addresses that are said", () => {
  const memory = new Memory(SIZE);
  // An eventfd takes and gives eight bytes.
  const sent = Uint8Array.from([1, 2, 3, 4, 5, 6, 7, 8]);
  for (const [from, to] of [[0, 8], [PAGE - 3, 3 * PAGE + 1], [SIZE - 8, 40]] as const) {
    memory.bytes.fill(0);
    memory.bytes.set(sent, from);
    throughKernel(memory.address(from), memory.address(to), 8);
    assertEquals(memory.bytes.subarray(to, to + 8), sent);
    assertEquals(memory.bytes.reduce((sum, byte) => sum + byte, 0), 2 * 36);
  }
  memory.free();
});

Deno.test("an address is written as 64 bits, least significant first", () => {
  const memory = new Memory(SIZE);
  const words = new Uint32Array(8).fill(0xffff_ffff);
  for (const offset of [0, 1, PAGE, SIZE - 1]) {
    memory.writeAddress(words, 2, offset);
    assertEquals(words[2]! + words[3]! * 2 ** 32, memory.address(offset));
    assertEquals([words[1], words[4]], [0xffff_ffff, 0xffff_ffff]);
  }
  memory.free();
});

Deno.test("the block begins as zeroes and on a page", () => {
  const memory = new Memory(SIZE);
  assertEquals(memory.bytes.length, SIZE);
  assertEquals(memory.address(0) % PAGE, 0);
  assert(memory.bytes.every((byte) => byte === 0));
  memory.free();
});

Deno.test("pages that are given back read as zero, and their neighbours keep what they have", () => {
  const memory = new Memory(SIZE);
  memory.bytes.fill(7);
  memory.discard(PAGE, 2 * PAGE);
  assert(memory.bytes.subarray(0, PAGE).every((byte) => byte === 7));
  assert(memory.bytes.subarray(PAGE, 3 * PAGE).every((byte) => byte === 0));
  assert(memory.bytes.subarray(3 * PAGE).every((byte) => byte === 7));
  memory.bytes[PAGE] = 9;
  assertEquals(memory.bytes[PAGE], 9);
  memory.free();
});

Deno.test("what is not a whole page stays", () => {
  const memory = new Memory(SIZE);
  memory.bytes.fill(7);
  memory.discard(1, PAGE);
  memory.discard(PAGE - 1, 2);
  memory.discard(3 * PAGE, 0);
  assert(memory.bytes.every((byte) => byte === 7));
  memory.discard(PAGE - 1, PAGE + 2);
  const kept = memory.bytes.reduce((sum, byte) => sum + byte, 0);
  assertEquals([kept, memory.bytes[PAGE]], [7 * (SIZE - PAGE), 0]);
  memory.free();
});

Deno.test("untouched memory costs nothing", () => {
  // More than the machine may have: only pages that are touched are there.
  const memory = new Memory(2 ** 35);
  memory.bytes[2 ** 34] = 1;
  assertEquals([memory.bytes[2 ** 34], memory.bytes[2 ** 35 - 1]], [1, 0]);
  memory.free();
});

Deno.test("memory that the system does not have is an error with a name", () => {
  assertThrows(() => new Memory(2 ** 47), SysError, "mmap failed: ENOMEM");
  assertThrows(() => new Memory(0), SysError, "mmap failed: EINVAL");
});

Deno.test("a buffer of our own has an address too", () => {
  const [one, other] = [new Uint8Array(1_024), new Uint8Array(1_024)];
  assertNotEquals(addressOf(one), addressOf(other));
  assertEquals(addressOf(one.subarray(100)), addressOf(one) + 100n);
  one.set([8, 7, 6, 5, 4, 3, 2, 1]);
  throughKernel(Number(addressOf(one)), Number(addressOf(other)), 8);
  assertEquals(other.subarray(0, 8), one.subarray(0, 8));
});
