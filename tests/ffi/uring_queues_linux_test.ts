import { assertEquals, assertThrows } from "@std/assert";
import { Errno, libc, SysError } from "../../ffi/libc.ts";
import { COMPLETION_WORDS, Parameter, REQUEST_WORDS } from "../../ffi/uring_abi_linux.ts";
import { systemCalls } from "../../ffi/uring_kernel_linux.ts";
import { RingQueues } from "../../ffi/uring_queues_linux.ts";
import { descriptorInfo, descriptorsWith } from "../support/descriptors.ts";
import { refusing } from "../support/uring_kernels.ts";
import { uringTest } from "../support/needs_uring.ts";

uringTest("both queues begin empty, with room for a power of two", () => {
  const queues = new RingQueues(systemCalls, 5, 100);
  assertEquals([queues.capacity, queues.completions], [8, 128]);
  assertEquals(queues.requests.length, 8 * REQUEST_WORDS);
  assertEquals(queues.words.length, queues.completionsAt + 128 * COMPLETION_WORDS);
  const { requestTailAt, completionHeadAt, completionTailAt } = queues;
  const places = [requestTailAt, completionHeadAt, completionTailAt];
  assertEquals(places.map((at) => queues.words[at]), [0, 0, 0]);
  queues.close();
});

Deno.test("a kernel that makes no ring is an error", () => {
  const kernel = refusing("setup", Errno.ENOMEM);
  const error = assertThrows(() => new RingQueues(kernel, 8, 16), SysError);
  assertEquals([error.call, error.code], ["io_uring_setup", Errno.ENOMEM]);
});

Deno.test("a ring that cannot be mapped is closed", () => {
  // An eventfd has no memory to share.
  const fd = libc().eventfd(0, 0);
  const [identity] = /^eventfd-id: \d+$/m.exec(descriptorInfo(fd))!;
  const kernel = {
    ...systemCalls,
    setup(entries: number, parameters: Uint8Array<ArrayBuffer>) {
      new Uint32Array(parameters.buffer)[Parameter.Requests] = entries;
      return fd;
    },
  };
  assertThrows(() => new RingQueues(kernel, 8, 16), SysError, "mmap failed: ENODEV");
  assertEquals(descriptorsWith(new RegExp(`^${identity}$`, "m")), []);
});
