/** Whether an address is this host's: whoever may not bind to it cannot listen there. */

import type { Address } from "../src/addr/address.ts";
import { check, Errno, errno, libc, SysError } from "./libc.ts";
import { AF_INET, AF_INET6, SOCKET_ADDRESS, writeSocketAddress } from "./socket_address_linux.ts";

const SOCK_DGRAM_CLOEXEC = 2 | 0o2000000;

/** True for what packets sent to it come back to, loopback and its whole network among it. */
export function isOwnAddress(address: Address): boolean {
  const family = address.length === 4 ? AF_INET : AF_INET6;
  const fd = libc().socket(family, SOCK_DGRAM_CLOEXEC, 0);
  // A kernel without IPv6 has no address of it.
  if (fd < 0 && errno() === Errno.EAFNOSUPPORT) return false;
  check("socket", fd);
  try {
    // Longer than an address, so that V8 keeps it in one place.
    const bytes = new Uint8Array(SOCKET_ADDRESS + 128);
    const length = writeSocketAddress(bytes, 0, address, 0, address.length, 0);
    if (libc().bind(fd, bytes, length) === 0) return true;
    const code = errno();
    // EINVAL: a link-local address, for which a link would have to be named.
    if (code === Errno.EADDRNOTAVAIL || code === Errno.EINVAL) return false;
    throw new SysError("bind", code);
  } finally {
    libc().close(fd);
  }
}
