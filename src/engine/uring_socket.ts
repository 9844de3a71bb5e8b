/**
 * A connection to the proxy on io_uring.
 *
 * It receives into buffers that the kernel takes from a pool when there is something to receive, so a flow
 * that is idle holds none. It sends at once what the kernel takes at once, and waits in the ring for the
 * rest. The number under which the ring knows it stays its own until everything under way has come back.
 */

import { formatAddress } from "../addr/address.ts";
import { Errno, errnoName, libc } from "../../ffi/libc.ts";
import { PollEvent } from "../../ffi/poller_linux.ts";
import { readSocketAddress } from "../../ffi/socket_address_linux.ts";
import { sendReset } from "../../ffi/tcp_socket_linux.ts";
import type { EngineContext } from "./context.ts";
import type { ProxySocket, SocketListener } from "./driver.ts";
import type { UringSockets } from "./uring_sockets.ts";

const SHUT_WR = 1;
const BROKEN = PollEvent.Error | PollEvent.HungUp;

export class UringSocket implements ProxySocket {
  listener: SocketListener;
  /** The ring's name for it. */
  readonly id: number;
  readonly fd: number;
  readonly #context: EngineContext;
  readonly #sockets: UringSockets;
  readonly #connected: (result: number) => void;
  /** Requests that will still complete. */
  #underWay = 0;
  #room = 0;
  #closed = false;

  /** `connected` is told how `connect` has ended. */
  constructor(
    context: EngineContext,
    sockets: UringSockets,
    id: number,
    fd: number,
    listener: SocketListener,
    connected: (result: number) => void,
  ) {
    this.#context = context;
    this.#sockets = sockets;
    this.id = id;
    this.fd = fd;
    this.listener = listener;
    this.#connected = connected;
  }

  get localAddr(): { hostname: string; port: number } {
    return this.#address("getsockname");
  }

  get remoteAddr(): { hostname: string; port: number } {
    return this.#address("getpeername");
  }

  /** Connects to the socket address that lies at `addressAt` of the packet memory. */
  connect(addressAt: number, addressLength: number): void {
    this.#underWay++;
    this.#sockets.connect(this, addressAt, addressLength);
  }

  receive(room: number, bulk: boolean): void {
    this.#room = room;
    this.#receive(room, !bulk);
  }

  send(at: number, end: number): number {
    const taken = this.sendNow(at, end);
    if (taken < end - at) this.#awaitWritable();
    return taken;
  }

  sendNow(at: number, end: number): number {
    // A broken socket says so when it is waited for.
    return Math.max(this.#sockets.sender.send(this.fd, at, end), 0);
  }

  closeWrite(): void {
    libc().shutdown(this.fd, SHUT_WR);
  }

  reset(): void {
    sendReset(this.fd);
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#sockets.close(this, this.#underWay > 0);
    if (this.#underWay === 0) this.#sockets.forget(this.id);
  }

  // What completes.

  connected(result: number): void {
    if (!this.#isLast()) this.#connected(result);
  }

  /** Bytes lie at `at`, in a slot whose one reference is ours; or `length` says why there are none. */
  received(at: number, length: number): void {
    if (this.#isLast()) {
      if (at >= 0) this.#context.arena.release(at);
    } else if (length === -Errno.ENOBUFS) this.#sockets.starve(this);
    else if (length > 0) this.listener.arrived(at, at + length);
    else if (length === 0) this.listener.ended();
    else this.listener.broken(errnoName(-length));
  }

  receiveAgain(): void {
    if (!this.#closed) this.#receive(this.#room, false);
  }

  /** `events` can be had now, or it is the number of an error. */
  writable(events: number): void {
    if (this.#isLast()) return;
    if (events < 0) this.listener.broken(errnoName(-events));
    else if ((events & BROKEN) !== 0) this.listener.broken("reset");
    else this.listener.sent(0);
  }

  #receive(room: number, pollFirst: boolean): void {
    this.#underWay++;
    this.#sockets.receive(this, room, pollFirst);
  }

  #awaitWritable(): void {
    this.#underWay++;
    this.#sockets.pollWritable(this, PollEvent.Writable);
  }

  /** One request has completed. True when nobody is interested any more. */
  #isLast(): boolean {
    this.#underWay--;
    if (!this.#closed) return false;
    if (this.#underWay === 0) this.#sockets.forget(this.id);
    return true;
  }

  #address(call: "getsockname" | "getpeername"): { hostname: string; port: number } {
    const bytes = new Uint8Array(128);
    const length = new Uint8Array(128);
    length[0] = bytes.length;
    libc()[call](this.fd, bytes, length);
    const endpoint = readSocketAddress(bytes, 0);
    if (endpoint === undefined) return { hostname: "", port: 0 };
    return { hostname: formatAddress(endpoint.address), port: endpoint.port };
  }
}
