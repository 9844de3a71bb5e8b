/**
 * Asking the kernel by netlink: a request, and the answer read to its end (`man 7 netlink`).
 *
 * The kernel answers at once, so the calls are synchronous. What it says in words (extended
 * acknowledgement) goes into the error. A list that changed while it was read is asked for again.
 */

import { get32le } from "../src/bytes.ts";
import { check, Errno, libc, SysError } from "./libc.ts";
import {
  attributeText,
  type NetlinkMessage,
  type NetlinkRequest,
  readAttributes,
  readMessages,
} from "./netlink_message_linux.ts";
import { messageName, NLM_F_ACK_TLVS, NLM_F_DUMP_INTERRUPTED } from "./netlink_numbers_linux.ts";

const AF_NETLINK = 16;
const SOCK_RAW_CLOEXEC = 3 | 0o2000000;
const NETLINK_ROUTE = 0;
const SOL_NETLINK = 270;
const NETLINK_CAP_ACK = 10;
const NETLINK_EXT_ACK = 11;
const NETLINK_GET_STRICT_CHK = 12;
const NLMSG_ERROR = 2;
const NLMSG_DONE = 3;
const NLMSGERR_ATTR_MSG = 1;

/** The kernel splits its dumps into pieces of at most 32 KiB. */
const RECEIVE_SIZE = 32768;
/** A list of a thousand routes takes a millisecond: nobody changes it under all of these. */
const DUMP_ATTEMPTS = 20;

/** A request that the kernel refused, with its own words for why. */
export class NetlinkError extends SysError {
  readonly reason: string;

  constructor(call: string, code: number, reason: string) {
    super(call, code);
    this.reason = reason;
    if (reason !== "") this.message += ` (${reason})`;
  }
}

/** What carries messages to the kernel and back; a failure is a `SysError` that names the call. */
export interface NetlinkWire {
  send(call: string, bytes: Uint8Array<ArrayBuffer>, length: number): void;
  /** One datagram; gives its length. */
  receive(call: string, buffer: Uint8Array<ArrayBuffer>): number;
  close(): void;
}

/** Makes something of a message, or nothing. */
export type MessageReader<T> = (message: NetlinkMessage) => T | undefined;

export class NetlinkSocket {
  readonly #wire: NetlinkWire;
  readonly #buffer = new Uint8Array(RECEIVE_SIZE);
  #sequence = 0;

  constructor(wire: NetlinkWire = new KernelWire()) {
    this.#wire = wire;
  }

  /** A change, which the kernel acknowledges before the call returns. */
  change(request: NetlinkRequest): void {
    this.ask(request, -1, () => undefined);
  }

  /** A question; gives what `read` made of the messages of the `wanted` type. */
  ask<T>(request: NetlinkRequest, wanted: number, read: MessageReader<T>): T[] {
    const answer = new Answer(wanted, read);
    this.#exchange(request, answer, false);
    return answer.results;
  }

  /** A list, as it was at one moment. */
  dump<T>(request: NetlinkRequest, wanted: number, read: MessageReader<T>): T[] {
    for (let attempt = 0; attempt < DUMP_ATTEMPTS; attempt++) {
      const answer = new Answer(wanted, read);
      this.#exchange(request, answer, true);
      if (!answer.torn) return answer.results;
    }
    const reason = `it changed ${DUMP_ATTEMPTS} times while it was read`;
    throw new NetlinkError(messageName(request.type), Errno.EINTR, reason);
  }

  close(): void {
    this.#wire.close();
  }

  /** Sends a request and reads to the end of the answer. */
  #exchange<T>(request: NetlinkRequest, answer: Answer<T>, isDump: boolean): void {
    const call = messageName(request.type);
    const sequence = ++this.#sequence;
    this.#wire.send(call, request.bytes, request.finish(sequence));
    while (true) {
      const received = isDump ? this.#receivePiece(call, answer) : this.#receive(call);
      for (const message of readMessages(this.#buffer, received)) {
        if (message.sequence !== sequence) continue;
        if (message.type === NLMSG_DONE || message.type === NLMSG_ERROR) {
          if ((message.flags & NLM_F_DUMP_INTERRUPTED) !== 0) answer.torn = true;
          throwIfRefused(call, message);
          return;
        }
        answer.take(message);
      }
    }
  }

  #receive(call: string): number {
    return this.#wire.receive(call, this.#buffer);
  }

  /** A piece of a list. The kernel that had no memory for one goes on with the next. */
  #receivePiece<T>(call: string, answer: Answer<T>): number {
    for (let attempt = 0; attempt < DUMP_ATTEMPTS; attempt++) {
      try {
        return this.#receive(call);
      } catch (error) {
        if (!(error instanceof SysError) || error.code !== Errno.ENOBUFS) throw error;
        answer.torn = true;
      }
    }
    throw new SysError(`${call} receive`, Errno.ENOBUFS);
  }
}

/** What an answer gave so far. */
class Answer<T> {
  readonly results: T[] = [];
  /** It is not of one moment: something changed, or is missing. */
  torn = false;
  readonly #wanted: number;
  readonly #read: MessageReader<T>;

  constructor(wanted: number, read: MessageReader<T>) {
    this.#wanted = wanted;
    this.#read = read;
  }

  take(message: NetlinkMessage): void {
    if ((message.flags & NLM_F_DUMP_INTERRUPTED) !== 0) this.torn = true;
    const result = message.type === this.#wanted ? this.#read(message) : undefined;
    if (result !== undefined) this.results.push(result);
  }
}

/** A netlink socket of the network namespace that this thread is in. */
class KernelWire implements NetlinkWire {
  readonly #fd: number;
  #closed = false;

  constructor() {
    this.#fd = check("socket", libc().socket(AF_NETLINK, SOCK_RAW_CLOEXEC, NETLINK_ROUTE));
    const on = new Uint8Array(128);
    on[0] = 1;
    // Only words and brevity depend on these (Linux 4.12, 4.3 and 4.20): a refusal changes nothing else.
    libc().setsockopt(this.#fd, SOL_NETLINK, NETLINK_EXT_ACK, on, 4);
    libc().setsockopt(this.#fd, SOL_NETLINK, NETLINK_CAP_ACK, on, 4);
    libc().setsockopt(this.#fd, SOL_NETLINK, NETLINK_GET_STRICT_CHK, on, 4);
  }

  send(call: string, bytes: Uint8Array<ArrayBuffer>, length: number): void {
    check(`${call} send`, libc().send(this.#fd, bytes, BigInt(length), 0));
  }

  receive(call: string, buffer: Uint8Array<ArrayBuffer>): number {
    return check(
      `${call} receive`,
      libc().recv(this.#fd, buffer, BigInt(buffer.length), 0),
    );
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    libc().close(this.#fd);
  }
}

function throwIfRefused(call: string, { type, flags, bytes, at, end }: NetlinkMessage): void {
  const code = end - at < 4 ? 0 : -(get32le(bytes, at) | 0);
  if (code === 0) return;
  // The error number, then the header of the request where it is no list, then the kernel's words.
  const words = (flags & NLM_F_ACK_TLVS) === 0
    ? undefined
    : readAttributes(bytes, at + (type === NLMSG_ERROR ? 20 : 4), end).get(NLMSGERR_ATTR_MSG);
  throw new NetlinkError(call, code, attributeText(words));
}
