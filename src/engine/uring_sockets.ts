/** All connections of one ring: their numbers, their requests, and the memory that they receive into. */

import { type Arena, SMALL_SLOT } from "../arena.ts";
import type { StreamSender } from "../../ffi/stream_sender_linux.ts";
import { bufferOf, hasBuffer, type Ring } from "../../ffi/uring_linux.ts";
import type { SlotGroup } from "./slot_group.ts";
import type { UringSocket } from "./uring_socket.ts";

/** What a completion is of; its tag says whose. */
export const Kind = {
  /** Whatever it was, nobody waits for it. */
  None: 0,
  Packet: 1,
  Watched: 2,
  Wake: 3,
  Alarm: 4,
  Connect: 5,
  Receive: 6,
  Writable: 7,
} as const;

export class UringSockets {
  readonly sender: StreamSender;
  readonly #ring: Ring;
  readonly #arena: Arena;
  readonly #slots: SlotGroup;
  readonly #sockets: (UringSocket | undefined)[] = [];
  readonly #freeIds: number[] = [];
  /** There was no buffer for them. */
  readonly #starved: UringSocket[] = [];

  constructor(ring: Ring, arena: Arena, slots: SlotGroup, sender: StreamSender) {
    this.#ring = ring;
    this.#arena = arena;
    this.#slots = slots;
    this.sender = sender;
  }

  /** How many have not come to their end. */
  get size(): number {
    return this.#sockets.length - this.#freeIds.length;
  }

  add(make: (id: number) => UringSocket): UringSocket {
    const id = this.#freeIds.pop() ?? this.#sockets.length;
    const socket = make(id);
    this.#sockets[id] = socket;
    return socket;
  }

  /** Whatever has not been closed yet: then all requests come to an end. */
  closeAll(): void {
    for (const socket of this.#sockets) socket?.close();
  }

  /** Nothing is under way any more for a socket that is closed. */
  forget(id: number): void {
    this.#sockets[id] = undefined;
    this.#freeIds.push(id);
  }

  connect(socket: UringSocket, addressAt: number, addressLength: number): void {
    this.#ring.connect(socket.fd, addressAt, addressLength, socket.id, Kind.Connect);
  }

  receive(socket: UringSocket, room: number, pollFirst: boolean): void {
    this.#ring.recvSelect(
      socket.fd,
      this.#slots.group,
      room,
      pollFirst,
      socket.id,
      Kind.Receive,
    );
  }

  pollWritable(socket: UringSocket, events: number): void {
    this.#ring.pollOnce(socket.fd, events, socket.id, Kind.Writable);
  }

  close(socket: UringSocket, underWay: boolean): void {
    if (underWay) this.#ring.cancelFd(socket.fd, socket.id, Kind.None);
    this.#ring.closeFd(socket.fd, socket.id, Kind.None);
  }

  starve(socket: UringSocket): void {
    this.#starved.push(socket);
  }

  /** There are buffers again. */
  feedStarved(): void {
    if (this.#starved.length === 0) return;
    for (const socket of this.#starved.splice(0)) socket.receiveAgain();
  }

  /** A completion of one of ours. */
  completed(id: number, kind: number, result: number, flags: number): void {
    const socket = this.#sockets[id];
    if (kind === Kind.Receive) this.#received(socket, result, flags);
    else if (kind === Kind.Connect) socket?.connected(result);
    else if (kind === Kind.Writable) socket?.writable(result);
  }

  #received(socket: UringSocket | undefined, result: number, flags: number): void {
    if (!hasBuffer(flags)) return socket?.received(-1, result);
    const buffer = bufferOf(flags);
    if (socket === undefined || result <= 0) {
      this.#slots.giveBack(buffer);
      return socket?.received(-1, result);
    }
    socket.received(this.#keep(buffer, result), result);
  }

  /** A few bytes do not pin 64 KiB: they move to a small slot. */
  #keep(buffer: number, length: number): number {
    const small = length <= SMALL_SLOT ? this.#arena.takeSmall() : -1;
    if (small < 0) return this.#slots.take(buffer);
    const at = this.#slots.at(buffer);
    this.#arena.bytes.copyWithin(small, at, at + length);
    this.#slots.giveBack(buffer);
    return small;
  }
}
