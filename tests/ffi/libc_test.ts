import { assert, assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import { check, cString, Errno, errno, errnoName, libc, SysError } from "../../ffi/libc.ts";
import { Exit, UserError } from "../../src/errors.ts";

/** Far above every limit: never open. */
const NEVER_OPEN = 0x7000_0000;

Deno.test("the library is opened once", () => {
  assertStrictEquals(libc(), libc());
});

Deno.test("a failed call says which one it was, and why", () => {
  const error = assertThrows(
    () => check("fcntl", libc().fcntl(NEVER_OPEN, 3, 0)),
    SysError,
    "fcntl failed: EBADF",
  );
  assertEquals([error.call, error.code], ["fcntl", Errno.EBADF]);
  assert(error instanceof UserError);
  assertEquals([error.hint, error.exitCode], [undefined, Exit.Failed]);
});

Deno.test("errno is that of the last call that failed", () => {
  assertEquals(libc().open(cString("/nonexistent"), 0), -1);
  assertEquals(errno(), Errno.ENOENT);
  assertEquals(Number(libc().read(NEVER_OPEN, new Uint8Array(128), 1n)), -1);
  assertEquals(errno(), Errno.EBADF);
});

Deno.test("a result that is no failure is given back as a number", () => {
  assertEquals(check("read", 0), 0);
  assertEquals(check("read", 65_545n), 65_545);
});

Deno.test("errors are called what manuals call them; the others by number", () => {
  for (const [name, code] of Object.entries(Errno)) assertEquals(errnoName(code), name);
  assertEquals(new Set(Object.values(Errno)).size, Object.values(Errno).length);
  assertEquals(errnoName(999), "errno 999");
  assertEquals(new SysError("bind", 999, "try again").message, "bind failed: errno 999");
  assertEquals(new SysError("bind", 999, "try again").hint, "try again");
});

Deno.test("a C string ends with a zero, and is long enough not to be moved", () => {
  for (const text of ["", "ztun0", "ü", "x".repeat(127), "x".repeat(128), "x".repeat(4_000)]) {
    const encoded = new TextEncoder().encode(text);
    const bytes = cString(text);
    assertEquals(bytes.subarray(0, encoded.length), encoded);
    assertEquals(bytes[encoded.length], 0);
    assert(bytes.buffer.byteLength >= 128);
  }
});
