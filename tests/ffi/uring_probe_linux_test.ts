import { assertEquals } from "@std/assert";
import { closeFd } from "../../ffi/fd_passing_linux.ts";
import { Errno } from "../../ffi/libc.ts";
import {
  FEATURE_EXT_ARG,
  Opcode,
  Parameter,
  REGISTER_BUFFER_RING,
  REGISTER_PROBE,
  SETUP_FLAGS,
} from "../../ffi/uring_abi_linux.ts";
import { systemCalls } from "../../ffi/uring_kernel_linux.ts";
import { probeUring } from "../../ffi/uring_probe_linux.ts";
import { run } from "../support/process.ts";
import {
  forgettingAfter,
  refusing,
  refusingToRegister,
  withoutFeature,
  withoutOperation,
} from "../support/uring_kernels.ts";
import { uringTest } from "../support/needs_uring.ts";

const SETUP = 425;
const ENTER = 426;
const REGISTER = 427;

/** The first kernel that has all of it. */
const YOUNG_ENOUGH = [6, 7] as const;

function youngEnough(): boolean {
  const [major, minor] = Deno.osRelease().split(".").map(Number) as [number, number];
  return major > YOUNG_ENOUGH[0] || (major === YOUNG_ENOUGH[0] && minor >= YOUNG_ENOUGH[1]);
}

/** A ring with the plainest of set-ups. */
function ringsAreAllowed(): boolean {
  const parameters = new Uint32Array(32);
  const fd = systemCalls.setup(8, new Uint8Array(parameters.buffer));
  if (fd >= 0) closeFd(fd);
  return fd >= 0;
}

Deno.test("nothing is missing in a young kernel that allows rings, and else something is", () => {
  const reason = probeUring();
  assertEquals(reason === undefined, youngEnough() && ringsAreAllowed(), reason);
});

for (
  const [code, reason] of [
    [Errno.EPERM, "io_uring_setup is forbidden: EPERM"],
    [Errno.EACCES, "io_uring_setup is forbidden: EACCES"],
    [Errno.ENOSYS, "the system has no io_uring_setup: ENOSYS"],
    [Errno.EINVAL, "the kernel's io_uring is too old: io_uring_setup failed: EINVAL"],
    [Errno.ENOMEM, "io_uring_setup failed: ENOMEM"],
  ] as const
) {
  Deno.test(`a kernel that makes no ring: ${reason}`, () => {
    assertEquals(probeUring(refusing("setup", code)), reason);
  });
}

uringTest("a kernel that allows to make a ring, but not to use it", () => {
  const { EPERM, ENOSYS } = Errno;
  assertEquals(probeUring(refusing("enter", EPERM)), "io_uring_enter is forbidden: EPERM");
  assertEquals(probeUring(refusing("register", EPERM)), "io_uring_register is forbidden: EPERM");
  assertEquals(
    probeUring(refusing("register", ENOSYS)),
    "the system has no io_uring_register: ENOSYS",
  );
});

uringTest("a kernel that lacks a flag of the set-up", () => {
  for (let bit = 0; bit < 32; bit++) {
    if ((SETUP_FLAGS & (1 << bit)) === 0) continue;
    const reason = probeUring({
      ...systemCalls,
      setup(entries, parameters) {
        const flags = new Uint32Array(parameters.buffer)[Parameter.Flags]!;
        return (flags & (1 << bit)) === 0 ? systemCalls.setup(entries, parameters) : -Errno.EINVAL;
      },
    });
    assertEquals(reason, "the kernel's io_uring is too old: io_uring_setup failed: EINVAL");
  }
});

uringTest("a kernel that lacks an operation", () => {
  for (const [name, opcode] of Object.entries(Opcode)) {
    const reason = probeUring(withoutOperation(opcode));
    assertEquals(reason, `the kernel's io_uring lacks the operation ${name}`);
  }
});

uringTest(
  "a kernel that lacks waiting with a timeout, the list of operations, groups of buffers",
  () => {
    assertEquals(
      probeUring(withoutFeature(FEATURE_EXT_ARG)),
      "the kernel's io_uring lacks waiting with a timeout",
    );
    for (const operation of [REGISTER_PROBE, REGISTER_BUFFER_RING]) {
      assertEquals(
        probeUring(refusingToRegister(operation, Errno.EINVAL)),
        "the kernel's io_uring is too old: io_uring_register failed: EINVAL",
      );
    }
  },
);

uringTest("a kernel that promises what it does not do", () => {
  const reasons = [
    "receiving into chosen buffers",
    "multishot reads",
    "multishot reads that go on",
  ];
  reasons.forEach((reason, calls) => {
    assertEquals(probeUring(forgettingAfter(calls)), `the kernel's io_uring lacks ${reason}`);
  });
});

for (
  const [name, first, last, code, reason] of [
    ["EPERM", SETUP, REGISTER, Errno.EPERM, "io_uring_setup is forbidden: EPERM"],
    ["ENOSYS", SETUP, REGISTER, Errno.ENOSYS, "the system has no io_uring_setup: ENOSYS"],
    ["EPERM for enter", ENTER, ENTER, Errno.EPERM, "io_uring_enter is forbidden: EPERM"],
    [
      "EPERM for register",
      REGISTER,
      REGISTER,
      Errno.EPERM,
      "io_uring_register is forbidden: EPERM",
    ],
  ] as const
) {
  uringTest(`in a sandbox that answers with ${name}`, async () => {
    const program = new URL("../support/probe_under_seccomp.ts", import.meta.url).pathname;
    const child = await run([
      ...[Deno.execPath(), "run", "-A", "--no-check", program],
      ...[first, last, code].map(String),
    ]);
    assertEquals([child.code, child.stdout, child.stderr], [0, reason, ""]);
  });
}
