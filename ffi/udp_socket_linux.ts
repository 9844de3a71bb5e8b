/**
 * UDP sockets whose datagrams go and come in batches (udp_sender_linux.ts, udp_receiver_linux.ts). One that
 * is connected hears its other end only, and what ICMP says of that is an error that can be read.
 */

import { get16, set32le } from "../src/bytes.ts";
import { check, libc } from "./libc.ts";
import {
  AF_INET,
  AF_INET6,
  readSocketAddress,
  writeSocketAddress,
} from "./socket_address_linux.ts";
import { markSocket } from "./socket_mark_linux.ts";

const SOCK_DGRAM_NONBLOCK_CLOEXEC = 2 | 0o4000 | 0o2000000;
const SOL_SOCKET = 1;
const SO_SNDBUF = 7;
const SO_RCVBUF = 8;
const SO_SNDBUFFORCE = 32;
const SO_RCVBUFFORCE = 33;
const IPPROTO_IPV6 = 41;
const IPV6_V6ONLY = 26;
export const SOL_UDP = 17;
/** The kernel puts together what came in one burst from one sender, datagrams of one size. */
export const UDP_GRO = 104;
/** What the kernel may buffer per socket, as far as the system's limit allows: 64 messages of 64 KiB. */
const BUFFER = 4 << 20;
/** Longer than any address, so that V8 keeps it off its moving heap. */
const ADDRESS_ROOM = 128;

export class UdpSocket {
  readonly fd: number;
  /**
   * Datagrams up to this long may go to the kernel as segments of one message; less once it was seen
   * that longer ones do not (the path's MTU, or a device that cannot).
   */
  segmentLimit = 65_535;

  private constructor(fd: number) {
    this.fd = fd;
    setOption(fd, SOL_SOCKET, SO_SNDBUF, BUFFER);
    setOption(fd, SOL_SOCKET, SO_RCVBUF, BUFFER);
    // Linux before 5.0 has none of it: datagrams come one by one then.
    setOption(fd, SOL_UDP, UDP_GRO, 1);
  }

  /** What it sends carries the mark. */
  static connected(address: Uint8Array, port: number, mark = 0): UdpSocket {
    const socket = new UdpSocket(connectedSocket(address, port, 0, mark));
    // Beyond the system's own limit, where we may: one peer cannot take more than one such buffer.
    setOption(socket.fd, SOL_SOCKET, SO_SNDBUFFORCE, BUFFER);
    setOption(socket.fd, SOL_SOCKET, SO_RCVBUFFORCE, BUFFER);
    return socket;
  }

  /** For any remote of the address's family; on the unspecified address and port 0 anything goes. */
  static bound(address: Uint8Array, port: number): UdpSocket {
    return new UdpSocket(
      openSocket(address, 0, (fd) => {
        if (address.length === 16) setOption(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1);
        const { bytes, length } = socketAddress(address, port);
        check("bind", libc().bind(fd, bytes, length));
      }),
    );
  }

  /** The port that it is bound to. */
  get port(): number {
    return get16(this.#name(), 2);
  }

  /** The address that it is bound to, by itself or by what it is connected to. */
  get address(): Uint8Array {
    return readSocketAddress(this.#name(), 0)!.address;
  }

  close(): void {
    libc().close(this.fd);
  }

  #name(): Uint8Array {
    const address = new Uint8Array(ADDRESS_ROOM);
    const length = new Uint8Array(ADDRESS_ROOM);
    length[0] = ADDRESS_ROOM;
    check("getsockname", libc().getsockname(this.fd, address, length));
    return address;
  }
}

/** The descriptor of a datagram socket of that protocol that is connected there, and marked before. */
export function connectedSocket(
  address: Uint8Array,
  port: number,
  protocol: number,
  mark = 0,
): number {
  return openSocket(address, protocol, (fd) => {
    markSocket(fd, mark);
    const { bytes, length } = socketAddress(address, port);
    check("connect", libc().connect(fd, bytes, length));
  });
}

/** `struct sockaddr_in` or `sockaddr_in6`. */
export function socketAddress(
  address: Uint8Array,
  port: number,
): { bytes: Uint8Array<ArrayBuffer>; length: number } {
  const bytes = new Uint8Array(ADDRESS_ROOM);
  return { bytes, length: writeSocketAddress(bytes, 0, address, 0, address.length, port) };
}

function openSocket(address: Uint8Array, protocol: number, set: (fd: number) => void): number {
  const family = address.length === 4 ? AF_INET : AF_INET6;
  const fd = check("socket", libc().socket(family, SOCK_DGRAM_NONBLOCK_CLOEXEC, protocol));
  try {
    set(fd);
    return fd;
  } catch (error) {
    libc().close(fd);
    throw error;
  }
}

function setOption(fd: number, level: number, option: number, value: number): number {
  const bytes = new Uint8Array(128);
  set32le(bytes, 0, value);
  return libc().setsockopt(fd, level, option, bytes, 4);
}
