import { assertEquals } from "@std/assert";
import { Errno } from "../../ffi/libc.ts";
import { systemCalls } from "../../ffi/uring_kernel_linux.ts";
import { uringTest } from "../support/needs_uring.ts";

/** Far above every limit. */
const NEVER_OPEN = 0x7000_0000;

uringTest("what the kernel refuses is an error number below zero", () => {
  const block = new Uint8Array(128);
  assertEquals(systemCalls.setup(0, block), -Errno.EINVAL);
  assertEquals(systemCalls.enter(NEVER_OPEN, 0, 0, 0, null), -Errno.EBADF);
  assertEquals(systemCalls.register(NEVER_OPEN, 8, block, 1), -Errno.EBADF);
});
