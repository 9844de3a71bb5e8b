/**
 * A UDP socket that is connected to one address: datagrams go and come without a promise each, and what
 * ICMP says of the other end is an error that can be read.
 */

import { set16, set16le } from "../src/bytes.ts";
import { check, libc } from "./libc.ts";
import type { VectorIo } from "./vector_io_linux.ts";

const AF_INET = 2;
const AF_INET6 = 10;
const SOCK_DGRAM_NONBLOCK_CLOEXEC = 2 | 0o4000 | 0o2000000;
const SOL_SOCKET = 1;
const SO_SNDBUF = 7;
const SO_RCVBUF = 8;
/** What the kernel may buffer per socket: a burst of 64 KiB datagrams. */
const BUFFER = 4 << 20;

export class UdpSocket {
  readonly fd: number;
  readonly #io: VectorIo;

  constructor(address: Uint8Array, port: number, io: VectorIo) {
    this.#io = io;
    const family = address.length === 4 ? AF_INET : AF_INET6;
    this.fd = check("socket", libc().socket(family, SOCK_DGRAM_NONBLOCK_CLOEXEC, 0));
    try {
      this.#setBuffer(SO_SNDBUF);
      this.#setBuffer(SO_RCVBUF);
      const { bytes, length } = socketAddress(address, port);
      check("connect", libc().connect(this.fd, bytes, length));
    } catch (error) {
      libc().close(this.fd);
      throw error;
    }
  }

  /**
   * Sends `[at, end)` as one datagram; 0, or `-errno`. It is never empty (a proxy's header is in front):
   * a `writev` of nothing would send nothing.
   */
  send(at: number, end: number): number {
    return Math.min(this.#io.write(this.fd, at, end), 0);
  }

  /**
   * Receives one datagram into `[at, at + room)`: its length, or `-errno`. An error of the other end
   * (port unreachable) is reported here once.
   */
  receive(at: number, room: number): number {
    return this.#io.read(this.fd, at, room);
  }

  close(): void {
    libc().close(this.fd);
  }

  #setBuffer(option: number): void {
    const value = new Uint8Array(128);
    new DataView(value.buffer).setInt32(0, BUFFER, true);
    // The kernel caps it at its own limit; less is no failure.
    libc().setsockopt(this.fd, SOL_SOCKET, option, value, 4);
  }
}

/** `struct sockaddr_in` or `sockaddr_in6`. */
export function socketAddress(
  address: Uint8Array,
  port: number,
): { bytes: Uint8Array<ArrayBuffer>; length: number } {
  const bytes = new Uint8Array(128);
  set16le(bytes, 0, address.length === 4 ? AF_INET : AF_INET6);
  set16(bytes, 2, port);
  bytes.set(address, address.length === 4 ? 4 : 8);
  return { bytes, length: address.length === 4 ? 16 : 28 };
}
