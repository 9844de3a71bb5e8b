/**
 * Whether the kernel has, and allows, all of io_uring that the engine needs. It is found out by trying:
 * sandboxes forbid system calls, distributions switch io_uring off, and versions say little.
 *
 * Nothing here says that there is memory for large queues: an ordinary user's count as locked memory, and
 * making them may fail with ENOMEM.
 */

import { EventFd } from "./event_fd_linux.ts";
import { closeFd, socketPair } from "./fd_passing_linux.ts";
import { Errno, errnoName, libc, SysError } from "./libc.ts";
import { Memory } from "./memory.ts";
import { FEATURE_EXT_ARG, Opcode, OperationProbe, REGISTER_PROBE } from "./uring_abi_linux.ts";
import { BufferRing } from "./uring_buffers_linux.ts";
import { type Kernel, systemCalls } from "./uring_kernel_linux.ts";
import { hasBuffer, hasMore, Ring } from "./uring_linux.ts";

const GROUP = 1;
const BUFFERS = 4;
const BUFFER_SIZE = 64;
/** All that is tried is done at once; this is for a kernel that accepts a request and forgets it. */
const PATIENCE_MS = 1_000;

/** What is missing, in a few words; undefined when all is there. */
export function probeUring(kernel: Kernel = systemCalls): string | undefined {
  const memory = new Memory(BUFFERS * BUFFER_SIZE);
  try {
    return tryRing(new Ring({ entries: 8, completions: 16, memory }, kernel));
  } catch (error) {
    if (error instanceof SysError) return refusal(error);
    throw error;
  } finally {
    memory.free();
  }
}

function refusal({ call, code, message }: SysError): string {
  switch (code) {
    case Errno.EPERM:
    case Errno.EACCES:
      return `${call} is forbidden: ${errnoName(code)}`;
    case Errno.ENOSYS:
      return `the system has no ${call}: ENOSYS`;
    case Errno.EINVAL:
      return `the kernel's io_uring is too old: ${message}`;
    default:
      return message;
  }
}

function tryRing(ring: Ring): string | undefined {
  try {
    if ((ring.features & FEATURE_EXT_ARG) === 0) return lacks("waiting with a timeout");
    return missingOperation(ring) ?? tryBuffers(ring, new BufferRing(ring, GROUP, BUFFERS));
  } finally {
    ring.close();
  }
}

function lacks(what: string): string {
  return `the kernel's io_uring lacks ${what}`;
}

function missingOperation(ring: Ring): string | undefined {
  const { Operations, Head, Place, Flags, Supported } = OperationProbe;
  const probe = new Uint8Array(Head + Operations * Place);
  ring.register(REGISTER_PROBE, probe, Operations);
  const missing = Object.entries(Opcode).find(([, code]) =>
    (probe[Head + code * Place + Flags]! & Supported) === 0
  );
  return missing === undefined ? undefined : lacks(`the operation ${missing[0]}`);
}

function tryBuffers(ring: Ring, buffers: BufferRing): string | undefined {
  try {
    for (let i = 0; i < BUFFERS; i++) buffers.provide(i, i * BUFFER_SIZE, BUFFER_SIZE);
    buffers.commit();
    return tryReceive(ring) ?? tryMultishotRead(ring);
  } finally {
    buffers.close();
  }
}

function tryReceive(ring: Ring): string | undefined {
  const [one, other] = socketPair();
  try {
    libc().send(other, new Uint8Array(128), 8n, 0);
    ring.recvSelect(one, GROUP, BUFFER_SIZE, false, 0, 0);
    return brings(ring, 8, false) ? undefined : lacks("receiving into chosen buffers");
  } finally {
    closeFd(one);
    closeFd(other);
  }
}

/** On what is no socket, like a TUN device: once at once, once when there is something again. */
function tryMultishotRead(ring: Ring): string | undefined {
  const event = new EventFd();
  try {
    event.signal();
    ring.readMultishot(event.fd, GROUP, 0, 0);
    if (!brings(ring, 8, true)) return lacks("multishot reads");
    event.signal();
    return brings(ring, 8, true) ? undefined : lacks("multishot reads that go on");
  } finally {
    event.close();
  }
}

/** Whether the next completion has so many bytes, in a buffer of the group, and says that it goes on. */
function brings(ring: Ring, length: number, goesOn: boolean): boolean {
  ring.wait(PATIENCE_MS);
  if (ring.ready() === 0) return false;
  const flags = ring.completionFlags(0);
  const whole = ring.completionResult(0) === length && hasBuffer(flags);
  ring.consumed(1);
  return whole && hasMore(flags) === goesOn;
}
