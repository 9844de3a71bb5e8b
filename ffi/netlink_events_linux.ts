/**
 * The kernel's news of links, addresses, routes and policy rules (`man 7 rtnetlink`).
 *
 * Only what kind of thing changed is told: whoever needs the rest asks for it, and gets what is true then.
 */

import { set32le } from "../src/bytes.ts";
import { check, Errno, errno, libc, SysError } from "./libc.ts";
import { readMessages } from "./netlink_message_linux.ts";
import { Rtm } from "./netlink_numbers_linux.ts";
import { Poller } from "./poller_linux.ts";
import type { NetworkEvent, NetworkEvents } from "./types.ts";

const AF_NETLINK = 16;
const SOCK_RAW_NONBLOCK_CLOEXEC = 3 | 0o4000 | 0o2000000;
const NETLINK_ROUTE = 0;
const ADDRESS_SIZE = 12;
/** RTNLGRP_LINK, and those of IPv4 and IPv6 for addresses, routes and rules: a bit for each. */
const GROUPS = [1, 5, 7, 8, 9, 11, 19].reduce((bits, group) => bits | 1 << (group - 1), 0);
const RECEIVE_SIZE = 32768;
/** Datagrams that are read in a row; who waits is told in between. */
const BURST = 64;

const kinds = new Map<number, NetworkEvent>([
  [Rtm.NEWLINK, "link"],
  [Rtm.DELLINK, "link"],
  [Rtm.NEWADDR, "address"],
  [Rtm.DELADDR, "address"],
  [Rtm.NEWROUTE, "route"],
  [Rtm.DELROUTE, "route"],
  [Rtm.NEWRULE, "rule"],
  [Rtm.DELRULE, "rule"],
]);

/** News of the network namespace that this thread is in now. One caller waits at a time. */
export class NetlinkEvents implements NetworkEvents {
  readonly #fd: number;
  readonly #poller: Poller;
  readonly #buffer = new Uint8Array(RECEIVE_SIZE);
  #closed = false;

  constructor() {
    this.#fd = check("socket", libc().socket(AF_NETLINK, SOCK_RAW_NONBLOCK_CLOEXEC, NETLINK_ROUTE));
    const address = new Uint8Array(128);
    address[0] = AF_NETLINK;
    set32le(address, 8, GROUPS);
    try {
      check("bind", libc().bind(this.#fd, address, ADDRESS_SIZE));
      this.#poller = new Poller();
    } catch (error) {
      libc().close(this.#fd);
      throw error;
    }
    this.#poller.add(this.#fd);
  }

  async next(): Promise<ReadonlySet<NetworkEvent>> {
    while (!this.#closed) {
      const events = this.#read();
      if (events.size > 0) return events;
      await this.#poller.wait();
    }
    return new Set();
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#poller.wake();
    await this.#poller.wait();
    this.#poller.close();
    libc().close(this.#fd);
  }

  #read(): Set<NetworkEvent> {
    const events = new Set<NetworkEvent>();
    for (let datagram = 0; datagram < BURST; datagram++) {
      const length = Number(libc().recv(this.#fd, this.#buffer, BigInt(RECEIVE_SIZE), 0));
      if (length >= 0) this.#take(length, events);
      else if (errno() === Errno.EAGAIN) break;
      else if (errno() === Errno.ENOBUFS) events.add("lost");
      else throw new SysError("receive network events", errno());
    }
    return events;
  }

  #take(length: number, events: Set<NetworkEvent>): void {
    for (const { type } of readMessages(this.#buffer, length)) {
      const kind = kinds.get(type);
      if (kind !== undefined) events.add(kind);
    }
  }
}
