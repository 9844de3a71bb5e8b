/** The mark of this program's own sockets (SO_MARK): what carries it, policy rules can tell from the rest. */

import { UserError } from "../src/errors.ts";
import { check, Errno, libc, SysError } from "./libc.ts";
import { setSocketMark } from "./process_linux.ts";
import { AF_INET } from "./socket_address_linux.ts";

const SOCK_DGRAM_CLOEXEC = 2 | 0o2000000;

/** Marks a socket that is not connected yet, so that its first packet carries the mark; 0 is none. */
export function markSocket(fd: number, mark: number): void {
  if (mark === 0) return;
  try {
    setSocketMark(fd, mark);
  } catch (error) {
    if (!(error instanceof SysError) || error.code !== Errno.EPERM) throw error;
    throw new UserError("Cannot mark a socket: the capability CAP_NET_ADMIN is missing", {
      cause: error,
      hint: "Run it as root, with `sudo`",
    });
  }
}

/** Throws what `markSocket` would throw. */
export function requireMark(mark: number): void {
  if (mark === 0) return;
  const fd = check("socket", libc().socket(AF_INET, SOCK_DGRAM_CLOEXEC, 0));
  try {
    markSocket(fd, mark);
  } finally {
    libc().close(fd);
  }
}
