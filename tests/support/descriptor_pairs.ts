/** Pairs of connected descriptors of every kind, for what reads and writes them. */

import { assert, assertEquals } from "@std/assert";
import { libc } from "../../ffi/libc.ts";
import { get32le, set16, set16le } from "../../src/bytes.ts";

const AF_UNIX = 1;
const AF_INET = 2;
const SOCK_STREAM_CLOEXEC = 1 | 0o2000000;
const O_NONBLOCK_CLOEXEC = 0o4000 | 0o2000000;
const BACKLOG = 16;

const { symbols: more } = Deno.dlopen("libc.so.6", {
  pipe2: { parameters: ["buffer", "i32"], result: "i32" },
  listen: { parameters: ["i32", "i32"], result: "i32" },
  accept4: { parameters: ["i32", "pointer", "pointer", "i32"], result: "i32" },
});

/** Where one can read, and where one can write. */
export function pipePair(): [number, number] {
  const pair = new Uint8Array(128);
  assertEquals(more.pipe2(pair, O_NONBLOCK_CLOEXEC), 0);
  return [get32le(pair, 0), get32le(pair, 4)];
}

/** Two ends of a stream that stays in the kernel. */
export function streamPair(): [number, number] {
  const pair = new Uint8Array(128);
  assertEquals(libc().socketpair(AF_UNIX, SOCK_STREAM_CLOEXEC, 0, pair), 0);
  return [get32le(pair, 0), get32le(pair, 4)];
}

/** Two ends of a TCP connection over loopback. */
export function tcpPair(): [number, number] {
  const listener = tcpListener();
  const client = tcpSocket();
  assertEquals(libc().connect(client, listener.address, 16), 0);
  const server = acceptFrom(listener.fd);
  libc().close(listener.fd);
  return [client, server];
}

export interface LoopbackSocket {
  readonly fd: number;
  /** Its `struct sockaddr_in`, of 16 bytes. */
  readonly address: Uint8Array<ArrayBuffer>;
}

export function tcpSocket(): number {
  const fd = libc().socket(AF_INET, SOCK_STREAM_CLOEXEC, 0);
  assert(fd >= 0);
  return fd;
}

/** `struct sockaddr_in`, of 16 bytes. */
export function ipv4Address(octets: readonly number[], port: number): Uint8Array<ArrayBuffer> {
  const address = new Uint8Array(128);
  set16le(address, 0, AF_INET);
  set16(address, 2, port);
  address.set(octets, 4);
  return address;
}

/** A port on loopback that is nobody else's, and that refuses. */
export function boundSocket(): LoopbackSocket {
  const fd = tcpSocket();
  const address = ipv4Address([127, 0, 0, 1], 0);
  assertEquals(libc().bind(fd, address, 16), 0);
  const length = new Uint8Array(128);
  length[0] = 16;
  assertEquals(libc().getsockname(fd, address, length), 0);
  return { fd, address };
}

/** The same, where connections are taken. */
export function tcpListener(): LoopbackSocket {
  const socket = boundSocket();
  assertEquals(more.listen(socket.fd, BACKLOG), 0);
  return socket;
}

/** The next connection of a listener; waits for it. */
export function acceptFrom(listener: number): number {
  const fd = more.accept4(listener, null, null, 0o2000000);
  assert(fd >= 0);
  return fd;
}
