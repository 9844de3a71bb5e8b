import { assertEquals, assertThrows } from "@std/assert";
import { EventFd } from "../../ffi/event_fd_linux.ts";
import { closeFd } from "../../ffi/fd_passing_linux.ts";
import { check, cString, Errno, libc, SysError } from "../../ffi/libc.ts";
import { SharedMapping } from "../../ffi/shared_mapping_linux.ts";

const PAGE = 4_096;
const O_RDWR = 2;

Deno.test("what is written to the memory is in the file, and the other way round", () => {
  const path = Deno.makeTempFileSync();
  try {
    Deno.writeFileSync(path, new Uint8Array(3 * PAGE).fill(1).fill(2, PAGE, 2 * PAGE));
    const fd = check("open", libc().open(cString(path), O_RDWR));
    const mapping = new SharedMapping(fd, PAGE, PAGE);
    closeFd(fd);
    const bytes = new Uint8Array(mapping.buffer);
    assertEquals([bytes.length, bytes[0], bytes[PAGE - 1]], [PAGE, 2, 2]);
    bytes[5] = 9;
    mapping.free();
    const file = Deno.readFileSync(path);
    assertEquals([file[PAGE + 4], file[PAGE + 5], file[PAGE + 6]], [2, 9, 2]);
  } finally {
    Deno.removeSync(path);
  }
});

Deno.test("what has no memory to share is an error", () => {
  const event = new EventFd();
  const error = assertThrows(() => new SharedMapping(event.fd, 0, PAGE), SysError);
  assertEquals([error.call, error.code], ["mmap", Errno.ENODEV]);
  event.close();
});
