/**
 * The system calls that ztun makes, and what their failures are called.
 *
 * Parameters are declared 32 bits wide wherever the values fit: a 64-bit parameter costs twenty times as
 * much to pass, and a 64-bit result is a `BigInt`. A result below zero means that `errno()` says why; it is
 * read at once, on the same thread. Calls marked `nonblocking` run on a thread of their own, whose errno
 * cannot be read.
 */

import { UserError } from "../src/errors.ts";

const symbols = {
  open: { parameters: ["buffer", "i32"], result: "i32" },
  close: { parameters: ["i32"], result: "i32" },
  read: { parameters: ["i32", "buffer", "usize"], result: "isize" },
  write: { parameters: ["i32", "buffer", "usize"], result: "isize" },
  readv: { parameters: ["i32", "buffer", "i32"], result: "i32" },
  writev: { parameters: ["i32", "buffer", "i32"], result: "i32" },
  ioctl: { parameters: ["i32", "u32", "buffer"], result: "i32" },
  ioctl_value: { name: "ioctl", parameters: ["i32", "u32", "u32"], result: "i32" },
  fcntl: { parameters: ["i32", "i32", "i32"], result: "i32" },
  mmap: { parameters: ["usize", "usize", "i32", "i32", "i32", "i64"], result: "pointer" },
  munmap: { parameters: ["pointer", "usize"], result: "i32" },
  madvise: { parameters: ["pointer", "usize", "i32"], result: "i32" },
  malloc_trim: { parameters: ["usize"], result: "i32" },
  getpagesize: { parameters: [], result: "i32" },
  eventfd: { parameters: ["u32", "i32"], result: "i32" },
  epoll_create1: { parameters: ["i32"], result: "i32" },
  epoll_ctl: { parameters: ["i32", "i32", "i32", "buffer"], result: "i32" },
  epoll_wait: { parameters: ["i32", "buffer", "i32", "i32"], result: "i32" },
  poll: { parameters: ["buffer", "u32", "i32"], result: "i32" },
  poll_blocking: {
    name: "poll",
    parameters: ["buffer", "u32", "i32"],
    result: "i32",
    nonblocking: true,
  },
  socket: { parameters: ["i32", "i32", "i32"], result: "i32" },
  socketpair: { parameters: ["i32", "i32", "i32", "buffer"], result: "i32" },
  bind: { parameters: ["i32", "buffer", "u32"], result: "i32" },
  connect: { parameters: ["i32", "buffer", "u32"], result: "i32" },
  getaddrinfo: {
    parameters: ["buffer", "buffer", "buffer", "buffer"],
    result: "i32",
    nonblocking: true,
  },
  freeaddrinfo: { parameters: ["pointer"], result: "void" },
  gai_strerror: { parameters: ["i32"], result: "pointer" },
  shutdown: { parameters: ["i32", "i32"], result: "i32" },
  getpeername: { parameters: ["i32", "buffer", "buffer"], result: "i32" },
  getsockname: { parameters: ["i32", "buffer", "buffer"], result: "i32" },
  setsockopt: { parameters: ["i32", "i32", "i32", "buffer", "u32"], result: "i32" },
  getsockopt: { parameters: ["i32", "i32", "i32", "buffer", "buffer"], result: "i32" },
  send: { parameters: ["i32", "buffer", "usize", "i32"], result: "isize" },
  recv: { parameters: ["i32", "buffer", "usize", "i32"], result: "isize" },
  sendmsg: { parameters: ["i32", "buffer", "i32"], result: "i32" },
  recvmsg: { parameters: ["i32", "buffer", "i32"], result: "i32" },
  sendmmsg: { parameters: ["i32", "buffer", "u32", "i32"], result: "i32" },
  recvmmsg: { parameters: ["i32", "buffer", "u32", "i32", "pointer"], result: "i32" },
  mount: { parameters: ["buffer", "buffer", "buffer", "u32", "buffer"], result: "i32" },
  umount2: { parameters: ["buffer", "i32"], result: "i32" },
  capget: { parameters: ["buffer", "buffer"], result: "i32" },
  capset: { parameters: ["buffer", "buffer"], result: "i32" },
  prctl: { parameters: ["i32", "u32", "u32", "u32", "u32"], result: "i32" },
  clock_gettime: { parameters: ["i32", "buffer"], result: "i32" },
  signal: { parameters: ["i32", "usize"], result: "usize" },
  pthread_sigmask: { parameters: ["i32", "buffer", "buffer"], result: "i32" },
  execvp: { parameters: ["buffer", "buffer"], result: "i32" },
  execve: { parameters: ["buffer", "buffer", "buffer"], result: "i32" },
  io_uring_setup: { name: "syscall", parameters: ["i32", "u32", "buffer"], result: "i32" },
  io_uring_enter: {
    name: "syscall",
    parameters: ["i32", "i32", "u32", "u32", "u32", "buffer", "usize"],
    result: "i32",
  },
  io_uring_register: {
    name: "syscall",
    parameters: ["i32", "i32", "u32", "buffer", "u32"],
    result: "i32",
  },
  bpf: { name: "syscall", parameters: ["i32", "i32", "buffer", "u32"], result: "i32" },
  pidfd_open: { name: "syscall", parameters: ["i32", "i32", "u32"], result: "i32" },
  pidfd_getfd: { name: "syscall", parameters: ["i32", "i32", "i32", "u32"], result: "i32" },
  __errno_location: { parameters: [], result: "pointer" },
} as const satisfies Deno.ForeignLibraryInterface;

/** The whole table, typed, as `Deno.dlopen` gives it. */
export type Libc = Deno.DynamicLibrary<typeof symbols>["symbols"];

let opened: Libc | undefined;
let errnoCell: Int32Array | undefined;

/** The C library; opened at the first call, so that importing this file asks for no permission. */
export function libc(): Libc {
  if (opened !== undefined) return opened;
  opened = Deno.dlopen("libc.so.6", symbols).symbols;
  const at = opened.__errno_location();
  errnoCell = new Int32Array(Deno.UnsafePointerView.getArrayBuffer(at!, 4));
  return opened;
}

/** Why the last call on this thread failed. Meaningful only right after a result below zero. */
export function errno(): number {
  return errnoCell?.[0] ?? 0;
}

/** Numbers of the errors that the code branches on; names of those that a user may read. */
export const Errno = {
  EPERM: 1,
  ENOENT: 2,
  ESRCH: 3,
  EINTR: 4,
  EIO: 5,
  ENXIO: 6,
  EBADF: 9,
  EAGAIN: 11,
  ENOMEM: 12,
  EACCES: 13,
  EBUSY: 16,
  EEXIST: 17,
  ENODEV: 19,
  EINVAL: 22,
  ENFILE: 23,
  EMFILE: 24,
  ENOTTY: 25,
  ENOSPC: 28,
  EPIPE: 32,
  ENOSYS: 38,
  ENODATA: 61,
  ETIME: 62,
  EBADFD: 77,
  EMSGSIZE: 90,
  EOPNOTSUPP: 95,
  EAFNOSUPPORT: 97,
  EADDRINUSE: 98,
  EADDRNOTAVAIL: 99,
  ENETDOWN: 100,
  ENETUNREACH: 101,
  ECONNRESET: 104,
  ENOBUFS: 105,
  ETIMEDOUT: 110,
  ECONNREFUSED: 111,
  EHOSTUNREACH: 113,
  ECANCELED: 125,
} as const;

const names = new Map<number, string>(Object.entries(Errno).map(([name, code]) => [code, name]));

export function errnoName(code: number): string {
  return names.get(code) ?? `errno ${code}`;
}

/** Whether an error of this name says that there is no way to an address, or none from where one is. */
export function meansNoWay(name: unknown): boolean {
  return name === "ENETUNREACH" || name === "EHOSTUNREACH" || name === "EADDRNOTAVAIL";
}

/** A system call that failed: which one, and why. */
export class SysError extends UserError {
  readonly call: string;
  readonly code: number;

  constructor(call: string, code: number, hint?: string) {
    super(`${call} failed: ${errnoName(code)}`, hint === undefined ? {} : { hint });
    this.call = call;
    this.code = code;
  }
}

/** Throws a `SysError` when `result` is below zero; gives it back otherwise. */
export function check(call: string, result: number | bigint): number {
  const value = Number(result);
  if (value < 0) throw new SysError(call, errno());
  return value;
}

const encoder = new TextEncoder();

/** A C string in a buffer of its own, long enough that V8 does not move it. */
export function cString(text: string): Uint8Array<ArrayBuffer> {
  const encoded = encoder.encode(text);
  const buffer = new Uint8Array(Math.max(128, encoded.length + 1));
  buffer.set(encoded);
  return buffer;
}
