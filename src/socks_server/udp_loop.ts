/**
 * What the associations of a server share on Linux: one loop that waits for their sockets, and memory in
 * which many datagrams at a time are received, given other headers, and sent.
 *
 * While there is traffic the loop takes turns with the event loop; after some turns with nothing to do it
 * sleeps on a thread. It runs as long as there are sockets.
 */

import { Memory } from "../../ffi/memory.ts";
import { Poller } from "../../ffi/poller_linux.ts";
import { UdpIo } from "../../ffi/udp_io_linux.ts";
import { UdpReceiver } from "../../ffi/udp_receiver_linux.ts";
import type { UdpSocket } from "../../ffi/udp_socket_linux.ts";
import { udpHeaderLength } from "../wire/socks5.ts";

/** Room in front of what is received, for the longest header. */
export const HEADROOM = udpHeaderLength(16);
const MAX_DATAGRAM = 65_535;
/** What is received, with its headroom: whole pages. */
const PLACE = 17 * 4096;
/** Copies wait here until they are sent: as much as one message may be, twice. */
const STAGE = 32 * 4096;
/** Turns without work before the loop goes to sleep, which costs as much as ten of them. */
const IDLE_TURNS = 5;

/** Called when there is something to receive; how many datagrams there were. */
export type ReadSocket = () => number;

export class UdpLoop {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly io: UdpIo;
  readonly #memory = new Memory(UdpReceiver.size * PLACE + STAGE);
  readonly #poller = new Poller();
  readonly #sockets = new Map<number, ReadSocket>();
  readonly #stageAt = UdpReceiver.size * PLACE;
  #tail = this.#stageAt;
  #running: Promise<void> | undefined;

  constructor() {
    this.bytes = this.#memory.bytes;
    this.io = new UdpIo(this.#memory);
    for (let i = 0; i < UdpReceiver.size; i++) this.io.receiver.place(i, i * PLACE + HEADROOM);
  }

  watch(socket: UdpSocket, read: ReadSocket): void {
    this.#sockets.set(socket.fd, read);
    this.#poller.add(socket.fd);
    this.#running ??= this.#run();
  }

  unwatch(socket: UdpSocket): void {
    this.#sockets.delete(socket.fd);
    this.#poller.remove(socket.fd);
    if (this.#sockets.size === 0) this.#poller.wake();
  }

  /** How many messages came, 0 when there is none now; `io.receiver` has them. */
  receive(socket: UdpSocket): number {
    return Math.max(this.io.receiver.receive(socket.fd, UdpReceiver.size, MAX_DATAGRAM), 0);
  }

  /** A place for `length` bytes that are to be sent. What was added before may be sent to make room. */
  stage(length: number): number {
    if (this.#tail + length > this.#stageAt + STAGE) this.send();
    const at = this.#tail;
    this.#tail += length;
    return at;
  }

  /** Sends what was added to `io.sender`. */
  send(): void {
    this.io.sender.send();
    this.#tail = this.#stageAt;
  }

  /** Frees everything. There are no sockets any more. */
  async close(): Promise<void> {
    await this.#running;
    this.#poller.close();
    this.io.free();
    this.#memory.free();
  }

  async #run(): Promise<void> {
    let idle = 0;
    while (this.#sockets.size > 0) {
      idle = this.#turn() > 0 ? 0 : idle + 1;
      if (idle < IDLE_TURNS) await new Promise<void>((next) => setImmediate(next));
      else {
        await this.#poller.wait();
        idle = 0;
      }
    }
    this.#running = undefined;
  }

  #turn(): number {
    let count = 0;
    for (let ready = this.#poller.ready() - 1; ready >= 0; ready--) {
      count += this.#sockets.get(this.#poller.readyAt(ready))?.() ?? 0;
    }
    return count;
  }
}
