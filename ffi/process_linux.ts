/**
 * The sockets of another process: a descriptor of it is copied (`man 2 pidfd_getfd`), and the mark of
 * what is behind it read or set. Takes Linux 5.6, and the powers of a debugger over that process.
 */

import { get32le, set32le } from "../src/bytes.ts";
import { check, Errno, errno, libc, SysError } from "./libc.ts";
import { AF_INET, AF_INET6 } from "./socket_address_linux.ts";

const SYS_PIDFD_OPEN = 434;
const SYS_PIDFD_GETFD = 438;
const SOL_SOCKET = 1;
const SO_MARK = 36;
const SO_DOMAIN = 39;

/** A process that stays the same one, even when its number is given to another. */
export class ProcessHandle {
  readonly #pidfd: number;

  /** Throws ESRCH when there is no such process. */
  constructor(pid: number) {
    this.#pidfd = check("pidfd_open", libc().pidfd_open(SYS_PIDFD_OPEN, pid, 0));
  }

  /** A copy of its descriptor, close-on-exec; undefined when that was closed, or the process ended. */
  copy(fd: number): number | undefined {
    const copy = libc().pidfd_getfd(SYS_PIDFD_GETFD, this.#pidfd, fd, 0);
    if (copy >= 0) return copy;
    const code = errno();
    if (code === Errno.EBADF || code === Errno.ESRCH) return undefined;
    throw new SysError("pidfd_getfd", code);
  }

  /** Is readable once the process has ended. */
  get fd(): number {
    return this.#pidfd;
  }

  close(): void {
    libc().close(this.#pidfd);
  }
}

/** Whether a socket sends IP packets; false for other files too. */
export function isInetSocket(fd: number): boolean {
  const family = readOption(fd, SO_DOMAIN);
  return family === AF_INET || family === AF_INET6;
}

export function socketMark(fd: number): number {
  const mark = readOption(fd, SO_MARK);
  if (mark === undefined) throw new SysError("getsockopt SO_MARK", errno());
  return mark;
}

/** What it sends from now on carries the mark; a route that it remembers is forgotten. */
export function setSocketMark(fd: number, mark: number): void {
  const value = new Uint8Array(128);
  set32le(value, 0, mark);
  check("setsockopt SO_MARK", libc().setsockopt(fd, SOL_SOCKET, SO_MARK, value, 4));
}

function readOption(fd: number, option: number): number | undefined {
  const value = new Uint8Array(128);
  const length = new Uint8Array(128);
  set32le(length, 0, 4);
  return libc().getsockopt(fd, SOL_SOCKET, option, value, length) < 0
    ? undefined
    : get32le(value, 0);
}
