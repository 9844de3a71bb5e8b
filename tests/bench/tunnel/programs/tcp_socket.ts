/** A blocking TCP connection, straight to its destination or through a SOCKS5 proxy. */

import { type Endpoint, SOCKADDR_SIZE, socketAddress } from "./endpoint.ts";
import { check, libc, setOption, setPatience } from "./libc.ts";
import {
  boundAddress,
  CONNECT,
  GREETING,
  GREETING_REPLY,
  REPLY,
  request,
} from "./socks_message.ts";

const AF_INET = 2;
const SOCK_STREAM = 1;
const IPPROTO_TCP = 6;
const TCP_NODELAY = 1;
const MSG_NOSIGNAL = 0x4000;
const MSG_WAITALL = 0x100;
const PATIENCE_MS = 10_000;

export class TcpSocket {
  readonly #fd: number;
  readonly #buffer = new Uint8Array(256);

  constructor(to: Endpoint) {
    this.#fd = check("socket", libc.socket(AF_INET, SOCK_STREAM, 0));
    setPatience(this.#fd, PATIENCE_MS);
    setOption(this.#fd, IPPROTO_TCP, TCP_NODELAY, 1);
    check("connect", libc.connect(this.#fd, socketAddress(to), SOCKADDR_SIZE));
  }

  /** A connection to `to`, by way of `socks` when there is one. */
  static open(to: Endpoint, socks: Endpoint | undefined): TcpSocket {
    if (socks === undefined) return new TcpSocket(to);
    const socket = new TcpSocket(socks);
    boundAddress(socket.ask(CONNECT, to));
    return socket;
  }

  /** Asks a proxy for something, and gives its reply. */
  ask(command: number, about: Endpoint): Uint8Array {
    this.send(GREETING);
    this.receive(GREETING_REPLY);
    this.send(request(command, about));
    return this.receive(REPLY).slice();
  }

  send(bytes: Uint8Array): void {
    this.#buffer.set(bytes);
    check("send", libc.send(this.#fd, this.#buffer, BigInt(bytes.length), MSG_NOSIGNAL));
  }

  /** The next `length` bytes, in a view that lasts until the next call. */
  receive(length: number): Uint8Array {
    const got = check("recv", libc.recv(this.#fd, this.#buffer, BigInt(length), MSG_WAITALL));
    if (got !== length) throw new Error("The connection was closed early");
    return this.#buffer.subarray(0, length);
  }

  close(): void {
    libc.close(this.#fd);
  }
}
