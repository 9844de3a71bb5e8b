/**
 * Messages with open descriptors between two processes, over a pair of UNIX sockets (`man 7 unix`).
 *
 * SOCK_SEQPACKET keeps one message one message, and tells when the other side is gone.
 */

import { get32le, set32le } from "../src/bytes.ts";
import { check, Errno, errno, libc, SysError } from "./libc.ts";
import { Memory } from "./memory.ts";

const AF_UNIX = 1;
const SOCK_SEQPACKET_CLOEXEC = 5 | 0o2000000;
const SOL_SOCKET = 1;
const SCM_RIGHTS = 1;
const MSG_DONTWAIT = 0x40;
const MSG_NOSIGNAL = 0x4000;
const MSG_CMSG_CLOEXEC = 0x4000_0000;
const MSG_TRUNC = 0x20;
const MSG_CTRUNC = 0x08;
const F_SETFD = 2;
const FD_CLOEXEC = 1;
const POLLIN = 1;

// Where things lie in the socket's block: `struct msghdr` and what it points to.
const OFFSET_IOV_POINTER = 16;
const OFFSET_IOV_COUNT = 24;
const OFFSET_CONTROL_POINTER = 32;
const OFFSET_CONTROL_LENGTH = 40;
const OFFSET_FLAGS = 48;
const IOV_AT = 64;
const CONTROL_AT = 96;
/** `struct cmsghdr` (16), one descriptor (4), padding (4). */
const CONTROL_SIZE = 24;
const POLL_AT = 128;
const DATA_AT = 256;
/** Far more than set-up messages need, and below every default socket buffer. */
const DATA_SIZE = 65_536;

export interface FdMessage {
  readonly bytes: Uint8Array;
  /** The descriptor that came along (close-on-exec), or -1. */
  readonly fd: number;
}

/** Two connected sockets, both close-on-exec. */
export function socketPair(): [number, number] {
  const pair = new Uint8Array(128);
  check("socketpair", libc().socketpair(AF_UNIX, SOCK_SEQPACKET_CLOEXEC, 0, pair));
  return [get32le(pair, 0), get32le(pair, 4)];
}

/** Whether a program that this process starts, or becomes, inherits the descriptor. */
export function setInherited(fd: number, inherited: boolean): void {
  check("F_SETFD", libc().fcntl(fd, F_SETFD, inherited ? 0 : FD_CLOEXEC));
}

export function closeFd(fd: number): void {
  libc().close(fd);
}

/** One end of such a pair. */
export class MessageSocket {
  readonly fd: number;
  readonly #memory = new Memory(DATA_AT + DATA_SIZE);
  readonly #words = new Uint32Array(this.#memory.bytes.buffer, 0, DATA_AT / 4);
  #waiting: Promise<void> | undefined;
  #closed = false;

  constructor(fd: number) {
    this.fd = fd;
  }

  /** Sends one message, with a descriptor when `fd` is not -1. Does not wait: EAGAIN is an error. */
  send(bytes: Uint8Array, fd = -1): void {
    if (bytes.length > DATA_SIZE) throw new SysError("sendmsg", Errno.EMSGSIZE);
    const block = this.#memory.bytes;
    block.set(bytes, DATA_AT);
    this.#prepare(bytes.length, fd < 0 ? 0 : CONTROL_SIZE);
    set32le(block, CONTROL_AT, 20);
    set32le(block, CONTROL_AT + 4, 0);
    set32le(block, CONTROL_AT + 8, SOL_SOCKET);
    set32le(block, CONTROL_AT + 12, SCM_RIGHTS);
    set32le(block, CONTROL_AT + 16, fd);
    check("sendmsg", libc().sendmsg(this.fd, block, MSG_NOSIGNAL | MSG_DONTWAIT));
  }

  /** Waits, blocking the thread, for one message; undefined when the other side is gone. */
  receive(): FdMessage | undefined {
    while (true) {
      const message = this.#receive(0);
      if (message !== "none") return message;
    }
  }

  /** Waits, without blocking the thread, for one message; undefined when the other side is gone. */
  async receiveLater(): Promise<FdMessage | undefined> {
    while (true) {
      const message = this.#receive(MSG_DONTWAIT);
      if (message !== "none") return message;
      await this.#readable();
    }
  }

  /** Closes the descriptor. Not while `receiveLater` is waiting: the kernel would still be using both. */
  close(): void {
    if (this.#closed) return;
    if (this.#waiting !== undefined) {
      throw new Error("Cannot close a socket that is being waited for");
    }
    this.#closed = true;
    libc().close(this.fd);
    this.#memory.free();
  }

  /** Empty-handed comes back as "none": nothing there yet, or interrupted by a signal. */
  #receive(flags: number): FdMessage | undefined | "none" {
    const block = this.#memory.bytes;
    this.#prepare(DATA_SIZE, CONTROL_SIZE);
    const length = Number(libc().recvmsg(this.fd, block, flags | MSG_CMSG_CLOEXEC));
    if (length < 0) {
      const code = errno();
      if (code === Errno.EAGAIN || code === Errno.EINTR) return "none";
      if (code === Errno.ECONNRESET) return undefined;
      throw new SysError("recvmsg", code);
    }
    if (length === 0) return undefined;
    const fd = get32le(block, OFFSET_CONTROL_LENGTH) < 20 ? -1 : get32le(block, CONTROL_AT + 16);
    if ((get32le(block, OFFSET_FLAGS) & (MSG_TRUNC | MSG_CTRUNC)) !== 0) {
      if (fd >= 0) libc().close(fd);
      throw new SysError("recvmsg", Errno.EMSGSIZE);
    }
    return { bytes: block.slice(DATA_AT, DATA_AT + length), fd };
  }

  #prepare(length: number, controlLength: number): void {
    const block = this.#memory.bytes;
    block.fill(0, 0, POLL_AT);
    this.#memory.writeAddress(this.#words, OFFSET_IOV_POINTER / 4, IOV_AT);
    set32le(block, OFFSET_IOV_COUNT, 1);
    this.#memory.writeAddress(this.#words, IOV_AT / 4, DATA_AT);
    set32le(block, IOV_AT + 8, length);
    if (controlLength === 0) return;
    this.#memory.writeAddress(this.#words, OFFSET_CONTROL_POINTER / 4, CONTROL_AT);
    set32le(block, OFFSET_CONTROL_LENGTH, controlLength);
  }

  async #readable(): Promise<void> {
    const poll = this.#memory.bytes.subarray(POLL_AT, POLL_AT + 8);
    set32le(poll, 0, this.fd);
    set32le(poll, 4, POLLIN);
    // The other side's end is closed by the kernel when its process ends: this wait always ends too.
    this.#waiting = libc().poll_blocking(poll, 1, -1).then(() => {});
    await this.#waiting;
    this.#waiting = undefined;
  }
}
