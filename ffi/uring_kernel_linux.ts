/**
 * The three system calls of io_uring. An interface, so that tests can be a kernel that refuses.
 */

import { errno, libc } from "./libc.ts";

/** Same on every architecture that Deno runs on. */
const SYS_IO_URING_SETUP = 425;
const SYS_IO_URING_ENTER = 426;
const SYS_IO_URING_REGISTER = 427;

/** `struct io_uring_getevents_arg`. As a literal: a `number` in its place takes 500 ns longer to pass. */
const ARGUMENT_SIZE = 24n;

/** Results below zero are `-errno`. */
export interface Kernel {
  /** The descriptor of a new ring; `parameters` says what was granted. */
  setup(entries: number, parameters: Uint8Array<ArrayBuffer>): number;
  /** How many requests were taken. */
  enter(
    fd: number,
    submit: number,
    least: number,
    flags: number,
    argument: Uint8Array<ArrayBuffer> | null,
  ): number;
  register(fd: number, operation: number, argument: Uint8Array<ArrayBuffer>, count: number): number;
}

export const systemCalls: Kernel = {
  setup(entries, parameters) {
    return orErrno(libc().io_uring_setup(SYS_IO_URING_SETUP, entries, parameters));
  },
  enter(fd, submit, least, flags, argument) {
    return orErrno(
      libc().io_uring_enter(SYS_IO_URING_ENTER, fd, submit, least, flags, argument, ARGUMENT_SIZE),
    );
  },
  register(fd, operation, argument, count) {
    return orErrno(
      libc().io_uring_register(SYS_IO_URING_REGISTER, fd, operation, argument, count),
    );
  },
};

function orErrno(result: number): number {
  return result < 0 ? -errno() : result;
}
