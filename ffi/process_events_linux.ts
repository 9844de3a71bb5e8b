/**
 * The kernel's news of processes that got another name: by `exec`, or by giving themselves one (the
 * process connector, `uapi/linux/cn_proc.h`).
 *
 * Only the number is told: whoever needs the rest looks, and finds what is true then. It takes
 * CAP_NET_ADMIN, and the first namespace of users, of processes and of networks: not in a container.
 */

import { get32le, set16le, set32le } from "../src/bytes.ts";
import { check, Errno, errno, libc, SysError } from "./libc.ts";
import { NetlinkRequest, readMessages } from "./netlink_message_linux.ts";
import { Poller } from "./poller_linux.ts";

const AF_NETLINK = 16;
const SOCK_DGRAM_NONBLOCK_CLOEXEC = 2 | 0o4000 | 0o2000000;
const NETLINK_CONNECTOR = 11;
const NLMSG_DONE = 3;
const ADDRESS_SIZE = 12;
/** The group's bit, and what it is called in a message. */
const CN_IDX_PROC = 1;
const CN_VAL_PROC = 1;
const LISTEN = 1;
const IGNORE = 2;

/** `struct cn_msg`, then `struct proc_event`: what happened, then whom. */
const CN_ACKNOWLEDGES = 12;
const CN_LENGTH = 16;
const CN_SIZE = 20;
const EVENT_DATA = CN_SIZE + 16;
const PROC_EVENT_NONE = 0;
const PROC_EVENT_EXEC = 2;
const PROC_EVENT_COMM = 0x200;

const RECEIVE_SIZE = 8192;
/** Datagrams that are read in a row; who waits is told in between. */
const BURST = 256;

export interface ProcessNews {
  /** Processes that got another name, by number; some may have ended since. */
  readonly named: ReadonlySet<number>;
  /** There were more news than the kernel kept: any process may have another name. */
  readonly lost: boolean;
}

/** One caller waits at a time. */
export class ProcessEvents {
  readonly #fd: number;
  readonly #poller: Poller;
  readonly #buffer = new Uint8Array(RECEIVE_SIZE);
  #closed = false;

  /** Throws a `SysError` where there are none to be had. */
  constructor() {
    const type = SOCK_DGRAM_NONBLOCK_CLOEXEC;
    this.#fd = check("socket", libc().socket(AF_NETLINK, type, NETLINK_CONNECTOR));
    try {
      this.#subscribe();
      this.#poller = new Poller();
    } catch (error) {
      libc().close(this.#fd);
      throw error;
    }
    this.#poller.add(this.#fd);
  }

  /** What happened since the last call, as soon as that is anything; nothing once it is closed. */
  async next(): Promise<ProcessNews> {
    while (!this.#closed) {
      const news = this.#read();
      if (news.lost || news.named.size > 0) return news;
      await this.#poller.wait();
    }
    return { named: new Set(), lost: false };
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#poller.wake();
    await this.#poller.wait();
    this.#poller.close();
    // Before Linux 6.6 a listener that only closes is counted for ever.
    this.#send([IGNORE]);
    libc().close(this.#fd);
  }

  #subscribe(): void {
    const address = new Uint8Array(128);
    address[0] = AF_NETLINK;
    set32le(address, 8, 1 << (CN_IDX_PROC - 1));
    check("bind", libc().bind(this.#fd, address, ADDRESS_SIZE));
    check("process events", this.#send([LISTEN]));
    // From within a container the kernel says nothing at all.
    if (!this.#isAcknowledged()) throw new SysError("process events", Errno.EACCES);
    // Which ones: older kernels do not know the question, and tell everything.
    check("process events", this.#send([LISTEN, PROC_EVENT_EXEC | PROC_EVENT_COMM]));
  }

  #send(words: readonly number[]): number {
    const message = new Uint8Array(CN_SIZE + words.length * 4);
    set32le(message, 0, CN_IDX_PROC);
    set32le(message, 4, CN_VAL_PROC);
    set32le(message, CN_ACKNOWLEDGES, Deno.pid);
    set16le(message, CN_LENGTH, words.length * 4);
    words.forEach((word, index) => set32le(message, CN_SIZE + index * 4, word));
    const request = new NetlinkRequest(NLMSG_DONE, 0, message);
    const length = request.finish(0);
    return Number(libc().send(this.#fd, request.bytes, BigInt(length), 0));
  }

  /** The kernel answers before `send` returns, with our number and 1. Others' answers come here too. */
  #isAcknowledged(): boolean {
    for (let length = this.#receive(); length > 0; length = this.#receive()) {
      for (const { bytes, at } of readMessages(this.#buffer, length)) {
        const isOurs = get32le(bytes, at + CN_ACKNOWLEDGES) === Deno.pid + 1;
        if (!isOurs || get32le(bytes, at + CN_SIZE) !== PROC_EVENT_NONE) continue;
        return get32le(bytes, at + EVENT_DATA) === 0;
      }
    }
    return false;
  }

  #read(): ProcessNews {
    const named = new Set<number>();
    let lost = false;
    for (let datagram = 0; datagram < BURST; datagram++) {
      const length = this.#receive();
      if (length > 0) this.#take(length, named);
      else if (errno() === Errno.EAGAIN) break;
      else if (errno() === Errno.ENOBUFS) lost = true;
      else throw new SysError("receive process events", errno());
    }
    return { named, lost };
  }

  #receive(): number {
    return Number(libc().recv(this.#fd, this.#buffer, BigInt(RECEIVE_SIZE), 0));
  }

  #take(length: number, named: Set<number>): void {
    for (const { bytes, at } of readMessages(this.#buffer, length)) {
      const what = get32le(bytes, at + CN_SIZE);
      if (what !== PROC_EVENT_EXEC && what !== PROC_EVENT_COMM) continue;
      const thread = get32le(bytes, at + EVENT_DATA);
      const process = get32le(bytes, at + EVENT_DATA + 4);
      // The other threads' names are not the process's.
      if (thread === process) named.add(process);
    }
  }
}
