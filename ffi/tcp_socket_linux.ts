/**
 * What Deno does not offer for its TCP connections: their descriptor, and a reset.
 *
 * Deno keeps the descriptor of an accepted connection under a symbol, and that of a dialled one to itself.
 * But the kernel can be asked which descriptor has the connection's two ports.
 */

import { get16, get32le, set16 } from "../src/bytes.ts";
import { check, Errno, errno, libc } from "./libc.ts";
import { markSocket } from "./socket_mark_linux.ts";

const DESCRIPTOR = "Deno.internal.fd";
const SOCKET_ADDRESS = 128;
const AF_UNSPEC = 0;
const SOL_SOCKET = 1;
const SO_TYPE = 3;
const SOCK_STREAM = 1;
const SOCK_STREAM_CLOEXEC = 1 | 0o2000000;
const SO_KEEPALIVE = 9;
const IPPROTO_TCP = 6;
const TCP_NODELAY = 1;
/** What `#localPort` gives for a number that no file has. */
const CLOSED = -1;
/**
 * Descriptors are given lowest first. What is closed below an open one were dials that failed together,
 * of which there are as many as half-open flows: 4 096. A closed number costs 0.2 µs to ask.
 */
const LONGEST_GAP = 8_192;

/** Finds descriptors, and remembers which ones it found: those need not be asked again. */
export class DescriptorIndex {
  readonly #known = new Set<number>();
  /** Every descriptor below is known. */
  #from = 3;
  readonly #address = new Uint8Array(SOCKET_ADDRESS);
  readonly #length = new Uint8Array(SOCKET_ADDRESS);

  /** The descriptor of an open connection, or -1. It stays known until `release`. */
  find(connection: Deno.TcpConn): number {
    const fd = this.#symbol(connection) ?? this.#search(connection);
    if (fd >= 0) this.#known.add(fd);
    return fd;
  }

  /** The connection is about to be closed: the number may soon be another's. */
  release(fd: number): void {
    if (this.#known.delete(fd) && fd < this.#from) this.#from = fd;
  }

  #search(connection: Deno.TcpConn): number {
    while (this.#known.has(this.#from)) this.#from++;
    const { port } = connection.localAddr;
    let gap = 0;
    for (let fd = this.#from; gap < LONGEST_GAP; fd++) {
      if (this.#known.has(fd)) continue;
      const local = this.#localPort(fd);
      if (local === port && this.#leadsTo(fd, connection)) return fd;
      gap = local === CLOSED ? gap + 1 : 0;
    }
    return -1;
  }

  #symbol(connection: Deno.TcpConn): number | undefined {
    const symbols = Object.getOwnPropertySymbols(connection);
    const symbol = symbols.find(({ description }) => description === DESCRIPTOR);
    const fd: unknown = symbol === undefined ? undefined : Reflect.get(connection, symbol);
    if (typeof fd !== "number") return undefined;
    const { port } = connection.localAddr;
    return this.#localPort(fd) === port && this.#leadsTo(fd, connection) ? fd : undefined;
  }

  /** 0 for a file that has no port, `CLOSED` for none at all. */
  #localPort(fd: number): number {
    this.#prepare();
    if (libc().getsockname(fd, this.#address, this.#length) === 0) return get16(this.#address, 2);
    return errno() === Errno.EBADF ? CLOSED : 0;
  }

  /** Both ports tell two TCP sockets of one process apart; UDP has numbers of its own. */
  #leadsTo(fd: number, connection: Deno.TcpConn): boolean {
    this.#prepare();
    if (libc().getpeername(fd, this.#address, this.#length) !== 0) return false;
    if (get16(this.#address, 2) !== connection.remoteAddr.port) return false;
    this.#prepare();
    if (libc().getsockopt(fd, SOL_SOCKET, SO_TYPE, this.#address, this.#length) !== 0) return false;
    return get32le(this.#address, 0) === SOCK_STREAM;
  }

  /** A UNIX socket without a name leaves the place of the port as it is. */
  #prepare(): void {
    set16(this.#address, 2, 0);
    this.#length[0] = SOCKET_ADDRESS;
  }
}

/**
 * Resets the connection behind `fd`; closing it afterwards is up to its owner. `conn.close()` alone shuts
 * it down first, so that the peer would read a clean end.
 */
export function sendReset(fd: number): void {
  const unspecified = new Uint8Array(SOCKET_ADDRESS);
  unspecified[0] = AF_UNSPEC;
  libc().connect(fd, unspecified, 16);
}

/**
 * A socket that is to be connected: no delay for small messages, a check that the other end lives, and the
 * mark on all that it sends.
 */
export function openTcpSocket(family: number, mark = 0): number {
  const fd = check("socket", libc().socket(family, SOCK_STREAM_CLOEXEC, 0));
  try {
    markSocket(fd, mark);
  } catch (error) {
    libc().close(fd);
    throw error;
  }
  setOption(fd, IPPROTO_TCP, TCP_NODELAY);
  setOption(fd, SOL_SOCKET, SO_KEEPALIVE);
  return fd;
}

const ONE = new Uint8Array(SOCKET_ADDRESS);
ONE[0] = 1;

function setOption(fd: number, level: number, option: number): void {
  libc().setsockopt(fd, level, option, ONE, 4);
}
