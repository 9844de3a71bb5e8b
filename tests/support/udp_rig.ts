/** Sockets on loopback, and the memory that their datagrams go through. */

import { Errno, libc } from "../../ffi/libc.ts";
import { Memory } from "../../ffi/memory.ts";
import { UdpIo } from "../../ffi/udp_io_linux.ts";
import { UdpReceiver } from "../../ffi/udp_receiver_linux.ts";
import type { SendFailures } from "../../ffi/udp_sender_linux.ts";
import { UdpSocket } from "../../ffi/udp_socket_linux.ts";
import { get16 } from "../../src/bytes.ts";

export const LOOPBACK = new Uint8Array([127, 0, 0, 1]);
export const LOOPBACK_6 = new Uint8Array(16).with(15, 1);

const POLLIN = 1;
const PATIENCE = 60_000;
/** Longer than any message. */
const PLACE = 1 << 16;
const OUT = UdpReceiver.size * PLACE;

/** A datagram: its bytes. */
type Bytes = ArrayLike<number>;

/** A message as it came, and what it is to be cut into. */
export interface Message {
  readonly length: number;
  readonly segment: number;
}

export interface Failure {
  /** From the beginning of what was sent. */
  readonly at: number;
  readonly length: number;
  readonly error: number;
}

export class UdpRig implements SendFailures, Disposable {
  readonly memory = new Memory(OUT + (8 << 20));
  readonly io = new UdpIo(this.memory);
  readonly failures: Failure[] = [];
  /** Every message that `receive` saw. */
  readonly messages: Message[] = [];
  readonly #sockets = new Set<UdpSocket>();

  constructor() {
    for (let i = 0; i < UdpReceiver.size; i++) this.io.receiver.place(i, i * PLACE);
  }

  bound(address: Uint8Array, port = 0): UdpSocket {
    return this.#keep(UdpSocket.bound(address, port));
  }

  connected(address: Uint8Array, port: number): UdpSocket {
    return this.#keep(UdpSocket.connected(address, port));
  }

  /** Sends the datagrams, which lie behind one another, to where the socket is connected. */
  send(socket: UdpSocket, datagrams: readonly Bytes[]): void {
    this.io.sender.begin(socket, this);
    this.#add(datagrams);
  }

  sendTo(
    socket: UdpSocket,
    address: Uint8Array,
    port: number,
    datagrams: readonly Bytes[],
  ): void {
    this.io.sender.begin(socket, this);
    this.io.sender.to(address, 0, address.length, port);
    this.#add(datagrams);
  }

  /** Puts a datagram into the memory, behind others; where it ends. */
  lay(at: number, datagram: Bytes): number {
    this.memory.bytes.set(datagram, at);
    return at + datagram.length;
  }

  /** Where what is to be sent may lie. */
  get outAt(): number {
    return OUT;
  }

  sendFailed(at: number, end: number, error: number): void {
    this.failures.push({ at: at - OUT, length: end - at, error });
  }

  /** The next datagrams that come, at least `count` of them. */
  receive(socket: UdpSocket, count: number): number[][] {
    const datagrams: number[][] = [];
    while (datagrams.length < count) {
      this.wait(socket);
      datagrams.push(...this.receiveNow(socket));
    }
    return datagrams;
  }

  /** What has come by now, a batch at most. */
  receiveNow(socket: UdpSocket): number[][] {
    const messages = this.receiveOnce(socket);
    if (messages < 0 && messages !== -Errno.EAGAIN) throw new Error(`recvmmsg: ${-messages}`);
    const datagrams: number[][] = [];
    for (let i = 0; i < messages; i++) datagrams.push(...this.#cut(i));
    return datagrams;
  }

  /** Until there is something to receive, be it an error. */
  wait({ fd }: UdpSocket): void {
    const poll = new Uint8Array(128);
    new DataView(poll.buffer).setInt32(0, fd, true);
    poll[4] = POLLIN;
    if (libc().poll(poll, 1, PATIENCE) !== 1) throw new Error("Nothing comes");
  }

  /** How many messages there are now, or `-errno`. */
  receiveOnce(socket: UdpSocket, count = UdpReceiver.size, room = PLACE): number {
    return this.io.receiver.receive(socket.fd, count, room);
  }

  /** Once only: by then the number may belong to another test's file. */
  close(socket: UdpSocket): void {
    if (this.#sockets.delete(socket)) socket.close();
  }

  /** The port that the first message of the last batch came from. */
  get senderPort(): number {
    return get16(this.io.receiver.names, this.io.receiver.nameAt(0) + 2);
  }

  [Symbol.dispose](): void {
    for (const socket of this.#sockets) socket.close();
    this.io.free();
    this.memory.free();
  }

  #cut(index: number): number[][] {
    const { receiver } = this.io;
    const [end, segment] = [receiver.end(index), receiver.segment(index)];
    const datagrams: number[][] = [];
    let at = receiver.at(index);
    this.messages.push({ length: end - at, segment });
    do {
      const next = Math.min(at + segment, end);
      datagrams.push([...this.memory.bytes.subarray(at, next)]);
      at = next;
    } while (at < end);
    return datagrams;
  }

  #add(datagrams: readonly Bytes[]): void {
    let at = OUT;
    for (const datagram of datagrams) {
      const end = this.lay(at, datagram);
      this.io.sender.add(at, end);
      at = end;
    }
    this.io.sender.send();
  }

  #keep(socket: UdpSocket): UdpSocket {
    this.#sockets.add(socket);
    return socket;
  }
}
