/**
 * The relays that live, in no order: each knows its place, and the last one fills a gap.
 *
 * Not a `Set`: as flows come and go V8 makes it anew every few of them, and what it has left points to what
 * follows. Once a piece of that chain is old, all flows after it are kept until the next full collection.
 */

import type { TcpRelay } from "./tcp_relay.ts";

export class RelayList {
  readonly #relays: TcpRelay[] = [];

  get size(): number {
    return this.#relays.length;
  }

  /** A copy: whoever looks at them all may end some. */
  get all(): TcpRelay[] {
    return [...this.#relays];
  }

  add(relay: TcpRelay): void {
    relay.place = this.#relays.length;
    this.#relays.push(relay);
  }

  remove(relay: TcpRelay): void {
    const last = this.#relays.pop()!;
    if (last === relay) return;
    this.#relays[relay.place] = last;
    last.place = relay.place;
  }
}
