/** A connection being made on a ring: the proxy's addresses are tried, one after the other. */

import { errnoName, meansNoWay } from "../../ffi/libc.ts";
import { writeSocketAddress } from "../../ffi/socket_address_linux.ts";
import { openTcpSocket } from "../../ffi/tcp_socket_linux.ts";
import type { Ring } from "../../ffi/uring_linux.ts";
import type { EngineContext } from "./context.ts";
import type { Connecting, ConnectListener } from "./driver.ts";
import { UringSocket } from "./uring_socket.ts";
import type { UringSockets } from "./uring_sockets.ts";

export class UringConnecting implements Connecting {
  readonly #context: EngineContext;
  readonly #ring: Ring;
  readonly #sockets: UringSockets;
  readonly #port: number;
  readonly #listener: ConnectListener;
  #addresses: readonly Uint8Array[] = [];
  #next = 0;
  #socket: UringSocket | undefined;
  /** Where the address lies; -1 when the kernel has it. */
  #addressAt = -1;
  #closed = false;
  #noWay = false;

  constructor(
    context: EngineContext,
    ring: Ring,
    sockets: UringSockets,
    port: number,
    listener: ConnectListener,
  ) {
    this.#context = context;
    this.#ring = ring;
    this.#sockets = sockets;
    this.#port = port;
    this.#listener = listener;
  }

  start(addresses: readonly Uint8Array[]): void {
    this.#addresses = addresses;
    this.#tryNext("it has no address");
  }

  /** Says so in a moment: nobody expects it from within the call that began it. */
  fail(why: string): void {
    this.#context.after(0, () => {
      if (!this.#closed) this.#listener.broken(why, this.#noWay);
    });
  }

  close(): void {
    this.#closed = true;
    // So that the kernel has its copy of the address.
    if (this.#addressAt >= 0) this.#ring.submit();
    this.#releaseAddress();
    this.#socket?.close();
  }

  /** `before` is why there is no connection to the address before. */
  #tryNext(before: string): void {
    if (this.#closed) return;
    const address = this.#addresses[this.#next++];
    if (address === undefined) return this.fail(before);
    try {
      this.#connect(address);
    } catch (error) {
      this.#tryNext(error instanceof Error ? error.message : String(error));
    }
  }

  #connect(address: Uint8Array): void {
    const { arena } = this.#context;
    const at = arena.takeSmall();
    if (at < 0) throw new Error("no packet memory is left");
    this.#addressAt = at;
    try {
      const length = writeSocketAddress(arena.bytes, at, address, 0, address.length, this.#port);
      this.#socket = this.#open(arena.bytes[at]!);
      this.#socket.connect(at, length);
    } catch (error) {
      this.#releaseAddress();
      throw error;
    }
  }

  #releaseAddress(): void {
    if (this.#addressAt >= 0) this.#context.arena.release(this.#addressAt);
    this.#addressAt = -1;
  }

  #open(family: number): UringSocket {
    const fd = openTcpSocket(family, this.#context.mark);
    return this.#sockets.add((id) => {
      const connected = (result: number) => this.#connected(result);
      return new UringSocket(this.#context, this.#sockets, id, fd, this.#listener, connected);
    });
  }

  #connected(result: number): void {
    const socket = this.#socket!;
    this.#socket = undefined;
    this.#releaseAddress();
    if (result >= 0) return this.#listener.connected(socket);
    socket.close();
    const reason = errnoName(-result);
    if (meansNoWay(reason)) this.#noWay = true;
    this.#tryNext(`connect: ${reason}`);
  }
}
