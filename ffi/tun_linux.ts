/**
 * TUN devices of Linux: made by name, or adopted from a descriptor that someone else opened.
 *
 * A device is not persistent: it lives as long as a descriptor of it is open, so that a crash leaves
 * nothing behind. See the kernel's `Documentation/networking/tuntap.rst` and `uapi/linux/if_tun.h`.
 */

import { get16le, set16le, set32le } from "../src/bytes.ts";
import { UserError } from "../src/errors.ts";
import { check, cString, Errno, libc, SysError } from "./libc.ts";
import { steerBySource } from "./tun_steering_linux.ts";
import type { TunDevice, TunOffload, TunOptions } from "./types.ts";

const DEVICE = "/dev/net/tun";
const O_RDWR_NONBLOCK_CLOEXEC = 0o2 | 0o4000 | 0o2000000;
const O_NONBLOCK = 0o4000;
const F_SETFD = 2;
const F_GETFL = 3;
const F_SETFL = 4;
const FD_CLOEXEC = 1;

const TUNSETIFF = 0x400454ca;
const TUNSETOFFLOAD = 0x400454d0;
const TUNGETIFF = 0x800454d2;
const TUNSETVNETHDRSZ = 0x400454d8;

const IFF_TUN = 0x0001;
const IFF_MULTI_QUEUE = 0x0100;
const IFF_NO_PI = 0x1000;
const IFF_VNET_HDR = 0x4000;

/** `struct ifreq`: sixteen octets of name, then a union that starts with the flags. */
const IFREQ_SIZE = 40;
const OFFSET_FLAGS = 16;
const NAME_MAX = 15;

const VNET_HEADER_SIZE = 10;

const TUN_F_CSUM = 0x01;
const TUN_F_TSO4 = 0x02;
const TUN_F_TSO6 = 0x04;
const TUN_F_USO4 = 0x20;
const TUN_F_USO6 = 0x40;

/** What is asked for, best first. USO came with Linux 6.2; the kernel refuses a set as a whole. */
const OFFLOADS = [
  TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6 | TUN_F_USO4 | TUN_F_USO6,
  TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6,
  TUN_F_CSUM,
  0,
];

/** Makes a device, or attaches to a persistent one of that name. Fails with `SysError`. */
export function openTun(options: TunOptions): TunDevice {
  return openTunQueues(options, 1)[0]!;
}

/**
 * The same, with so many queues. All that one local socket sends arrives at one of them, always the same.
 * All or none: fails with `SysError`, or with a `UserError` where flows cannot be kept apart.
 */
export function openTunQueues(options: TunOptions, count: number): TunDevice[] {
  const vnet = options.offload === "auto" ? IFF_VNET_HDR : 0;
  const flags = IFF_TUN | IFF_NO_PI | vnet | (count > 1 ? IFF_MULTI_QUEUE : 0);
  const queues: TunDevice[] = [];
  try {
    while (queues.length < count) {
      queues.push(openQueue(queues[0]?.name ?? (options.name || "ztun%d"), flags));
    }
    if (count > 1) steerBySource(queues[0]!.fd, count);
    return queues;
  } catch (error) {
    for (const queue of queues) queue.close();
    throw error;
  }
}

function openQueue(name: string, flags: number): TunDevice {
  const fd = check(`open ${DEVICE}`, libc().open(cString(DEVICE), O_RDWR_NONBLOCK_CLOEXEC));
  try {
    const request = interfaceRequest(name);
    set16le(request, OFFSET_FLAGS, flags);
    check("TUNSETIFF", libc().ioctl(fd, TUNSETIFF, request));
    return describe(fd, request);
  } catch (error) {
    libc().close(fd);
    throw error;
  }
}

/**
 * Takes over an open TUN descriptor, and owns it from then on; a refused one stays the caller's.
 *
 * Whether it was opened with IFF_NO_PI cannot be asked here: in what TUNGETIFF gives, that bit means
 * IFF_NOFILTER. `LinkInfo.packetInformation` knows.
 */
export function adoptTun(fd: number): TunDevice {
  const request = interfaceRequest("");
  if (libc().ioctl(fd, TUNGETIFF, request) < 0) throw notATun(fd);
  const flags = get16le(request, OFFSET_FLAGS);
  if ((flags & IFF_TUN) === 0) {
    throw new UserError(
      `Cannot use descriptor ${fd}: it is a TAP device, and ztun speaks IP only`,
      {
        hint: "Open the device with IFF_TUN instead of IFF_TAP",
      },
    );
  }
  const status = check("F_GETFL", libc().fcntl(fd, F_GETFL, 0));
  check("F_SETFL", libc().fcntl(fd, F_SETFL, status | O_NONBLOCK));
  check("F_SETFD", libc().fcntl(fd, F_SETFD, FD_CLOEXEC));
  return describe(fd, request);
}

function notATun(fd: number): UserError {
  return new UserError(`Cannot use descriptor ${fd}: it is not an open TUN device`, {
    hint: "Give the number of a descriptor that TUNSETIFF was done on, and that ztun inherits",
  });
}

function interfaceRequest(name: string): Uint8Array<ArrayBuffer> {
  const encoded = new TextEncoder().encode(name);
  if (encoded.length > NAME_MAX) throw new SysError(`TUNSETIFF "${name}"`, Errno.EINVAL);
  // Longer than the structure, so that V8 keeps it off its moving heap.
  const request = new Uint8Array(Math.max(IFREQ_SIZE, 128));
  request.set(encoded);
  return request;
}

function nameOf(request: Uint8Array): string {
  return new TextDecoder().decode(request.subarray(0, request.indexOf(0)));
}

function describe(fd: number, request: Uint8Array): TunDevice {
  const vnet = (get16le(request, OFFSET_FLAGS) & IFF_VNET_HDR) !== 0;
  const name = nameOf(request);
  const offload = offloadOf(vnet ? negotiateOffload(fd) : 0);
  let closed = false;
  return {
    fd,
    name,
    vnet,
    offload,
    close() {
      // Once only: by the second time the number may belong to another file.
      if (closed) return;
      closed = true;
      libc().close(fd);
    },
  };
}

function negotiateOffload(fd: number): number {
  const size = new Uint8Array(128);
  set32le(size, 0, VNET_HEADER_SIZE);
  check("TUNSETVNETHDRSZ", libc().ioctl(fd, TUNSETVNETHDRSZ, size));
  for (const offload of OFFLOADS) {
    if (libc().ioctl_value(fd, TUNSETOFFLOAD, offload) >= 0) return offload;
  }
  return 0;
}

function offloadOf(bits: number): TunOffload {
  return {
    checksum: (bits & TUN_F_CSUM) !== 0,
    tso4: (bits & TUN_F_TSO4) !== 0,
    tso6: (bits & TUN_F_TSO6) !== 0,
    uso4: (bits & TUN_F_USO4) !== 0,
    uso6: (bits & TUN_F_USO6) !== 0,
  };
}
