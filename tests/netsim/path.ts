/** One direction of a bad network: packets go in, and come out late, twice, changed, or not at all. */

import type { Random } from "./random.ts";
import type { VirtualClock } from "./virtual_clock.ts";

export interface PathOptions {
  /** Milliseconds one way. */
  readonly delay: number;
  /** Up to so much more, without overtaking. */
  readonly jitter: number;
  readonly loss: number;
  readonly duplication: number;
  readonly corruption: number;
  /** How many packets are held back so that others overtake them, and for how long at most. */
  readonly reordering: number;
  readonly reorderDelay: number;
  /** Bytes per millisecond; Infinity for no limit. */
  readonly bandwidth: number;
  /** Bytes that may wait for the bandwidth. */
  readonly queue: number;
}

export const PERFECT: PathOptions = {
  delay: 1,
  jitter: 0,
  loss: 0,
  duplication: 0,
  corruption: 0,
  reordering: 0,
  reorderDelay: 0,
  bandwidth: Infinity,
  queue: Infinity,
};

export class Path {
  readonly #clock: VirtualClock;
  readonly #random: Random;
  readonly #deliver: (packet: Uint8Array) => void;
  options: PathOptions;
  /** True: whatever goes in is never seen again. */
  isCut = false;
  #freeAt = 0;
  #lastArrival = 0;

  constructor(
    clock: VirtualClock,
    random: Random,
    options: PathOptions,
    deliver: (packet: Uint8Array) => void,
  ) {
    this.#clock = clock;
    this.#random = random;
    this.options = options;
    this.#deliver = deliver;
  }

  send(packet: Uint8Array): void {
    const { loss, duplication, bandwidth, queue } = this.options;
    if (this.isCut) return;
    const now = this.#clock.now;
    const waiting = Math.max(0, this.#freeAt - now);
    if (waiting > 0 && waiting * bandwidth > queue) return;
    this.#freeAt = now + waiting + packet.length / bandwidth;
    if (this.#random.chance(loss)) return;
    this.#travel(packet);
    if (this.#random.chance(duplication)) this.#travel(packet);
  }

  #travel(packet: Uint8Array): void {
    const { delay, jitter, reordering, reorderDelay, corruption } = this.options;
    const random = this.#random;
    let arrival = this.#freeAt + delay;
    if (jitter > 0) arrival += random.between(0, jitter);
    if (random.chance(reordering)) arrival += random.between(0, reorderDelay);
    else {
      arrival = Math.max(arrival, this.#lastArrival);
      this.#lastArrival = arrival;
    }
    const arriving = random.chance(corruption) ? withOneBitFlipped(packet, random) : packet;
    this.#clock.at(arrival, () => {
      if (!this.isCut) this.#deliver(arriving);
    });
  }
}

/** One bit: what the Internet checksum is certain to see. */
function withOneBitFlipped(packet: Uint8Array, random: Random): Uint8Array {
  const changed = packet.slice();
  changed[random.below(packet.length)]! ^= 1 << random.below(8);
  return changed;
}
