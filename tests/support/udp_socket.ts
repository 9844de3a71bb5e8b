/**
 * A connected UDP socket of the system, which learns of ICMP errors; Deno's own datagram sockets are
 * never connected, and so are never told.
 */

import { Errno, errno, errnoName, libc } from "../../ffi/libc.ts";

const AF_INET = 2;
const AF_INET6 = 10;
const SOCK_DGRAM_NONBLOCK = 2 | 0o4000;
const SOL_SOCKET = 1;
const SO_SNDBUF = 7;
const SO_RCVBUF = 8;
const BUFFERS = 400_000;
const POLLIN = 1;
const LARGEST = 65_536;

/** `struct sockaddr_in` and `sockaddr_in6`, in a buffer that V8 does not move. */
function socketAddress(
  family: 4 | 6,
  address: Uint8Array,
  port: number,
): [Uint8Array<ArrayBuffer>, number] {
  const bytes = new Uint8Array(128);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, family === 4 ? AF_INET : AF_INET6, true);
  view.setUint16(2, port);
  bytes.set(address, family === 4 ? 4 : 8);
  return [bytes, family === 4 ? 16 : 28];
}

export class UdpSocket implements Disposable {
  readonly #fd: number;
  readonly #received = new Uint8Array(LARGEST);
  readonly #poll = new Uint8Array(128);

  constructor(family: 4 | 6, address: Uint8Array, port: number) {
    this.#fd = libc().socket(family === 4 ? AF_INET : AF_INET6, SOCK_DGRAM_NONBLOCK, 0);
    if (this.#fd < 0) throw new Error(`socket: ${errnoName(errno())}`);
    const value = new Uint8Array(128);
    new DataView(value.buffer).setInt32(0, BUFFERS, true);
    for (const option of [SO_SNDBUF, SO_RCVBUF]) {
      libc().setsockopt(this.#fd, SOL_SOCKET, option, value, 4);
    }
    const [at, length] = socketAddress(family, address, port);
    if (libc().connect(this.#fd, at, length) < 0) throw new Error(`connect: ${errnoName(errno())}`);
  }

  /** Sends one datagram; gives the name of the error that this, or an earlier one, met. */
  send(datagram: Uint8Array<ArrayBuffer>): string | undefined {
    return libc().send(this.#fd, datagram, BigInt(datagram.length), 0) < 0
      ? errnoName(errno())
      : undefined;
  }

  /** What has come by now: a view that lasts until the next call, the name of an error, or nothing. */
  receive(): Uint8Array | string | undefined {
    const length = Number(libc().recv(this.#fd, this.#received, BigInt(LARGEST), 0));
    if (length >= 0) return this.#received.subarray(0, length);
    const code = errno();
    return code === Errno.EAGAIN ? undefined : errnoName(code);
  }

  /** As `receive`, waiting so long for something to come. */
  async next(withinMs: number): Promise<Uint8Array | string | undefined> {
    const already = this.receive();
    if (already !== undefined) return already;
    const view = new DataView(this.#poll.buffer);
    view.setInt32(0, this.#fd, true);
    view.setInt16(4, POLLIN, true);
    await libc().poll_blocking(this.#poll, 1, withinMs);
    return this.receive();
  }

  [Symbol.dispose](): void {
    libc().close(this.#fd);
  }
}

/** The octets of an address in full notation: four decimals, or eight groups with at most one gap. */
export function addressBytes(text: string): Uint8Array {
  if (!text.includes(":")) return Uint8Array.from(text.split("."), Number);
  const [head = "", tail] = text.split("::");
  const groups = (part: string) =>
    part === "" ? [] : part.split(":").map((group) => parseInt(group, 16));
  const first = groups(head);
  const last = tail === undefined ? [] : groups(tail);
  const all = [...first, ...Array(8 - first.length - last.length).fill(0), ...last];
  return Uint8Array.from(all.flatMap((group) => [group >> 8, group & 0xff]));
}
