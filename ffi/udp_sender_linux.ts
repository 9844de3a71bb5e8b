/**
 * Sends many datagrams per system call: `sendmmsg`, and in each message as many as lie behind one another,
 * have the same size and go to the same place (UDP_SEGMENT; the last may be shorter).
 *
 *     begin(socket) → to(…)? → add(at, end) … → send()
 *
 * The kernel takes such a message through its layers as one, which is most of what a datagram costs. Where
 * it refuses one, its datagrams go one by one, and the socket remembers.
 */

import { Errno, errno, libc } from "./libc.ts";
import type { Memory } from "./memory.ts";
import { MessageBatch, NAME_SIZE } from "./message_batch_linux.ts";
import { writeSocketAddress } from "./socket_address_linux.ts";
import { SOL_UDP, type UdpSocket } from "./udp_socket_linux.ts";

const UDP_SEGMENT = 103;
/** Messages per call. */
const MESSAGES = 64;
/** The kernel's bounds for one message: 64 segments (128 since Linux 6.9), and what an IPv4 packet holds. */
const MOST_SEGMENTS = 64;
const LONGEST = 65_507;

/** Hears which datagrams could not be sent, and the number of the error. */
export interface SendFailures {
  sendFailed(at: number, end: number, error: number): void;
}

export class UdpSender {
  readonly #memory: Memory;
  /** One more than are gathered: for a datagram that goes by itself. */
  readonly #batch = new MessageBatch(MESSAGES + 1);
  readonly #alone = this.#batch.from(MESSAGES);
  /** Of each message: where it begins, where it ends, how long its datagrams are. */
  readonly #ats = new Array<number>(MESSAGES).fill(0);
  readonly #ends = new Array<number>(MESSAGES).fill(0);
  readonly #segments = new Array<number>(MESSAGES).fill(0);
  readonly #name = new Uint8Array(NAME_SIZE);
  #nameLength = 0;
  #count = 0;
  /** So many more datagrams may become part of the last message. */
  #extensions = 0;
  #socket: UdpSocket | undefined;
  #failures: SendFailures | undefined;

  constructor(memory: Memory) {
    this.#memory = memory;
  }

  /** What is added from now on goes out by `socket`, to where it is connected. */
  begin(socket: UdpSocket, failures: SendFailures): void {
    this.#socket = socket;
    this.#failures = failures;
    this.#nameLength = 0;
    this.#extensions = 0;
  }

  /** What is added from now on goes there. */
  to(address: Uint8Array, addressAt: number, addressLength: number, port: number): void {
    const name = this.#name;
    this.#nameLength = writeSocketAddress(name, 0, address, addressAt, addressLength, port);
    this.#extensions = 0;
  }

  /** Adds the datagram in `[at, end)`, whose bytes stay as they are until it is sent. */
  add(at: number, end: number): void {
    if (this.#extensions > 0 && this.#extend(at, end)) return;
    if (this.#count === MESSAGES) this.send();
    const index = this.#count++;
    this.#ats[index] = at;
    this.#ends[index] = end;
    this.#segments[index] = end - at;
    this.#extensions = end - at <= this.#socket!.segmentLimit ? MOST_SEGMENTS - 1 : 0;
    if (this.#nameLength > 0) this.#batch.bytes.set(this.#name, this.#batch.nameAt(index));
    this.#batch.setNameLength(index, this.#nameLength);
  }

  /** Sends what was added; what is added afterwards goes to the same place. */
  send(): void {
    const count = this.#count;
    for (let index = 0; index < count; index++) this.#fill(index);
    let done = 0;
    while (done < count) {
      const messages = this.#batch.from(done);
      const sent = libc().sendmmsg(this.#socket!.fd, messages, count - done, 0);
      done = sent > 0 ? done + sent : this.#failed(done, errno());
    }
    this.#count = 0;
    this.#extensions = 0;
  }

  free(): void {
    this.#batch.free();
  }

  #extend(at: number, end: number): boolean {
    const index = this.#count - 1;
    const segment = this.#segments[index]!;
    const length = end - at;
    if (at !== this.#ends[index] || length > segment || length === 0) return false;
    if (end - this.#ats[index]! > LONGEST) return false;
    this.#ends[index] = end;
    // A shorter one is the last.
    this.#extensions = length === segment ? this.#extensions - 1 : 0;
    return true;
  }

  #fill(index: number): void {
    const at = this.#ats[index]!;
    const length = this.#ends[index]! - at;
    const segment = this.#segments[index]!;
    this.#batch.setVector(index, this.#memory, at, length);
    if (length > segment) this.#batch.setControl(index, SOL_UDP, UDP_SEGMENT, segment);
    else this.#batch.clearControl(index);
  }

  /** That message was not sent; the index of the one to go on with. */
  #failed(index: number, error: number): number {
    if (error === Errno.EAGAIN || error === Errno.ENOBUFS) {
      // There is no room, nor will there be before all have been tried.
      for (let i = index; i < this.#count; i++) this.#report(i, error);
      return this.#count;
    }
    const segmented = this.#ends[index]! - this.#ats[index]! > this.#segments[index]!;
    if (segmented && (isTooLong(error) || isUnable(error))) this.#sendApart(index, error);
    else this.#report(index, error);
    return index + 1;
  }

  /** Datagram by datagram: perhaps it is only as one message that they cannot go. */
  #sendApart(index: number, reason: number): void {
    const segment = this.#segments[index]!;
    const last = this.#ends[index]!;
    this.#batch.bytes.copyWithin(
      this.#batch.nameAt(MESSAGES),
      this.#batch.nameAt(index),
      this.#batch.nameAt(index + 1),
    );
    let sent = false;
    for (let at = this.#ats[index]!; at < last; at += segment) {
      const end = Math.min(at + segment, last);
      const error = this.#sendAlone(index, at, end);
      if (error === 0) sent = true;
      else this.#failures!.sendFailed(at, end, error);
    }
    if (sent) this.#socket!.segmentLimit = isTooLong(reason) ? segment - 1 : 0;
  }

  #sendAlone(index: number, at: number, end: number): number {
    const batch = this.#batch;
    batch.setVector(MESSAGES, this.#memory, at, end - at);
    batch.setNameLength(MESSAGES, batch.nameLength(index));
    batch.clearControl(MESSAGES);
    return libc().sendmmsg(this.#socket!.fd, this.#alone, 1, 0) === 1 ? 0 : errno();
  }

  #report(index: number, error: number): void {
    const segment = this.#segments[index]!;
    const last = this.#ends[index]!;
    let at = this.#ats[index]!;
    do {
      const end = Math.min(at + segment, last);
      this.#failures!.sendFailed(at, end, error);
      at = end;
    } while (at < last);
  }
}

/** Segments do not fit the path's MTU. */
function isTooLong(error: number): boolean {
  return error === Errno.EMSGSIZE || error === Errno.EINVAL;
}

/** The device, or the kernel, has no segments. */
function isUnable(error: number): boolean {
  return error === Errno.EIO || error === Errno.EOPNOTSUPP;
}
