/**
 * A TUN device that needs no privileges: a pair of UNIX sockets that keep packets apart. One end is the
 * engine's device, behind the other sits the test's local host.
 */

import { socketPair } from "../../ffi/fd_passing_linux.ts";
import { check, libc } from "../../ffi/libc.ts";
import type { TunDevice } from "../../ffi/types.ts";
import { set32le } from "../../src/bytes.ts";

const F_SETFL = 4;
const O_RDWR_NONBLOCK = 2 | 0o4000;
const SHUT_RDWR = 2;
const SOL_SOCKET = 1;
const SO_SNDBUF = 7;
const SO_SNDBUFFORCE = 32;
/** A device's queue holds 500 packets; here bytes count, so this is some 100 super-segments. */
const BUFFER = 8 << 20;

export interface FakeTunDevice extends TunDevice {
  /** From now on reads and writes fail. The next packet of the local host makes the engine see it. */
  fail(): void;
}

export interface FakeTun {
  /** What the engine is given. */
  readonly device: FakeTunDevice;
  /** What the local host reads and writes. */
  readonly far: TunDevice;
}

export function fakeTun(vnet: boolean): FakeTun {
  const [near, far] = socketPair();
  return { device: deviceOn(near, vnet), far: deviceOn(far, vnet) };
}

function deviceOn(fd: number, vnet: boolean): FakeTunDevice {
  check("F_SETFL", libc().fcntl(fd, F_SETFL, O_RDWR_NONBLOCK));
  const size = new Uint8Array(128);
  set32le(size, 0, BUFFER);
  // Beyond the system's limit only root may go; within it the test still passes, with more losses.
  if (libc().setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, size, 4) !== 0) {
    check("SO_SNDBUF", libc().setsockopt(fd, SOL_SOCKET, SO_SNDBUF, size, 4));
  }
  let open = true;
  let failed = false;
  return {
    get fd() {
      return failed ? -1 : fd;
    },
    name: "fake",
    vnet,
    offload: { checksum: vnet, tso4: vnet, tso6: vnet, uso4: vnet, uso6: vnet },
    fail() {
      failed = true;
      libc().shutdown(fd, SHUT_RDWR);
    },
    close() {
      if (open) libc().close(fd);
      open = false;
    },
  };
}
