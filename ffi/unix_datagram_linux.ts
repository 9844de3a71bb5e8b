/**
 * One datagram to a UNIX socket of somebody else's: by its path, or by a name without a file (`@name`,
 * "abstract" in `man 7 unix`), which Deno's own sockets cannot name.
 */

import { set16le } from "../src/bytes.ts";
import { check, Errno, libc, SysError } from "./libc.ts";

const AF_UNIX = 1;
const SOCK_DGRAM_NONBLOCK_CLOEXEC = 2 | 0o4000 | 0o2000000;
const MSG_NOSIGNAL = 0x4000;
const PATH_AT = 2;
/** Of `sun_path`; a path has a zero behind it. */
const PATH_SIZE = 108;
/** Smaller buffers may lie where V8 moves them. */
const SMALLEST = 128;

/** Does not wait: throws a `SysError` with EAGAIN when the other side has too much to read already. */
export function sendUnixDatagram(name: string, datagram: Uint8Array): void {
  const { address, length } = unixAddress(name);
  const buffer = new Uint8Array(Math.max(SMALLEST, datagram.length));
  buffer.set(datagram);
  const fd = check("socket", libc().socket(AF_UNIX, SOCK_DGRAM_NONBLOCK_CLOEXEC, 0));
  try {
    check("connect", libc().connect(fd, address, length));
    check("send", libc().send(fd, buffer, BigInt(datagram.length), MSG_NOSIGNAL));
  } finally {
    libc().close(fd);
  }
}

/** `struct sockaddr_un`. Of an abstract name every byte up to `length` counts, zeros too. */
function unixAddress(name: string): { address: Uint8Array<ArrayBuffer>; length: number } {
  const address = new Uint8Array(SMALLEST);
  set16le(address, 0, AF_UNIX);
  const abstract = name.startsWith("@");
  const bytes = new TextEncoder().encode(abstract ? `\0${name.slice(1)}` : `${name}\0`);
  if (bytes.length > PATH_SIZE) throw new SysError("connect", Errno.EINVAL);
  address.set(bytes, PATH_AT);
  return { address, length: PATH_AT + bytes.length };
}
