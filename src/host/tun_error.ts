/**
 * A TUN device that cannot be opened, as advice.
 */

import { Errno, SysError } from "../../ffi/libc.ts";
import { Exit, UserError } from "../errors.ts";

/** Where the device was to be: on the host for `up`, or in the namespace of `exec`. */
export type TunPlace = "host" | "namespace";

/** What a user is told when opening the device `name` failed with `error`. */
export function tunError(error: unknown, name: string, place: TunPlace): unknown {
  if (!(error instanceof SysError)) return error;
  const message = name === "" ? "Cannot open a TUN device" : `Cannot open TUN device "${name}"`;
  const denied = error.code === Errno.EPERM || error.code === Errno.EACCES;
  return new UserError(message, {
    cause: error,
    exitCode: denied ? Exit.Permission : Exit.Failed,
    hint: hintFor(error, place),
  });
}

function hintFor(error: SysError, place: TunPlace): string {
  switch (error.code) {
    case Errno.ENOENT:
    case Errno.ENODEV:
    case Errno.ENXIO:
      return "`sudo modprobe tun`; in a container, start it with `--device /dev/net/tun`";
    case Errno.EACCES:
      return place === "namespace" ? "`sudo chmod 0666 /dev/net/tun`" : asRoot;
    case Errno.EPERM:
      return asRoot;
    case Errno.EBUSY:
      return "The name is in use: pick another with `--tun NAME`, or leave the choice to the kernel";
    case Errno.EINVAL:
      return "The name must be new and at most 15 bytes long, or a persistent TUN device's, which is " +
        "`multi_queue` when there are several workers and else is not: `--tun NAME`";
    default:
      return "`ls -l /dev/net/tun` shows whether the device is there, and for whom";
  }
}

const asRoot = "Run the same command as root, with `sudo` in front; " +
  "`ztun exec -- COMMAND` needs no privileges";
