/**
 * The other end of one TCP connection, as the fuzzer plays it: it knows the numbers, so that what it
 * sends touches every state; and it keeps to them only most of the time.
 */

import { get16, get32 } from "../../src/bytes.ts";
import { ACK, FIN, PSH, RST, SYN } from "../../src/wire/tcp.ts";
import type { Segment } from "./packet_builder.ts";
import type { Random } from "./random.ts";

const NOP_NOP_TIMESTAMPS = 0x0101_080a;
const MSS = 0x0204_0000;
const SACK_PERMITTED = 0x0101_0402;
const WINDOW_SCALE = 0x0103_0300;
const NOP_NOP_SACK = 0x0101_0500;

const SEGMENT_SIZES = [0, 1, 64, 536, 1220, 1460, 8960, 65_535];
const WINDOWS = [0, 1, 100, 1460, 20_000, 65_535, 65_535, 65_535];

export class Peer {
  readonly address: Uint8Array;
  readonly port: number;
  readonly server: Uint8Array;
  readonly serverPort: number;
  /** A reset was seen, or it has been played long enough. */
  over = false;
  #sequence: number;
  #acknowledgment = 0;
  /** What it has acknowledged itself: it may hold back, and say so with duplicates and SACK. */
  #acknowledging = 0;
  #duplicates = 0;
  /** Up to where the other side has acknowledged. */
  #acknowledged: number;
  #begun: boolean;
  #finSent = false;
  #timestamps = false;
  #timestamp: number;
  #echo = 0;
  #segments = 0;

  constructor(
    random: Random,
    address: Uint8Array,
    port: number,
    server: Uint8Array,
    serverPort: number,
    begun = false,
  ) {
    this.address = address;
    this.port = port;
    this.server = server;
    this.serverPort = serverPort;
    this.#sequence = random.oneIn(4) ? -random.below(3000) >>> 0 : random.next();
    this.#acknowledged = this.#sequence;
    this.#timestamp = random.next();
    this.#begun = begun;
  }

  /** A segment to it, which begins at `at`. */
  observe(bytes: Uint8Array, at: number, payload: number): void {
    const flags = bytes[at + 13]!;
    if (flags & RST) this.over = true;
    const length = payload + (flags & SYN ? 1 : 0) + (flags & FIN ? 1 : 0);
    this.#acknowledgment = (get32(bytes, at + 4) + length) >>> 0;
    if (flags & ACK) this.#acknowledged = get32(bytes, at + 8);
    const headerLength = (bytes[at + 12]! >> 4) * 4;
    for (let i = at + 20; i + 12 <= at + headerLength; i += 4) {
      if (get32(bytes, i) === NOP_NOP_TIMESTAMPS) this.#echo = get32(bytes, i + 4);
      else if (get16(bytes, i) === 0x080a) this.#echo = get32(bytes, i + 2);
    }
  }

  /** The next segment; `largest` bytes of payload at most. */
  next(random: Random, largest: number): Segment {
    if (++this.#segments > 200 && random.oneIn(50)) this.over = true;
    if (!this.#begun) return this.#syn(random);
    if (this.#duplicates > 0) return this.#duplicate(random);
    if (random.oneIn(25)) this.#duplicates = 3 + random.below(6);
    else if (!random.oneIn(4)) this.#acknowledging = this.#acknowledgment;
    // Mostly from where the other side stands, so that most of it is taken.
    if (random.oneIn(3)) this.#sequence = this.#acknowledged;
    switch (random.below(20)) {
      case 0:
        return this.#segment(random, { payload: 0, flags: random.below(64) });
      case 1:
        return this.#segment(random, {
          offset: random.below(9000),
          payload: random.below(largest),
        });
      case 2:
        return this.#segment(random, {
          offset: -random.below(4000),
          payload: random.below(largest),
        });
      case 3:
        return this.#segment(random, { payload: 0, acknowledge: -random.below(5000) });
      case 4:
        return this.#segment(random, { payload: 0, acknowledge: random.below(200_000) });
      case 5:
        return random.oneIn(4) ? this.#fin(random) : this.#segment(random, { payload: 1 });
      case 6:
        return random.oneIn(8) ? this.#reset(random) : this.#segment(random, { payload: 0 });
      case 7:
        return random.oneIn(8) ? this.#syn(random) : this.#segment(random, { payload: 0 });
      case 8:
      case 9:
        return this.#segment(random, { payload: 0, sack: true, acknowledge: -random.below(3000) });
      case 10:
      case 11:
      case 12:
      case 13:
        return this.#segment(random, { payload: 0 });
      default:
        return this.#data(random, largest);
    }
  }

  #syn(random: Random): Segment {
    this.#begun = true;
    this.#timestamps = !random.oneIn(3);
    const options = [MSS | random.pick(SEGMENT_SIZES)];
    if (!random.oneIn(3)) options.push(WINDOW_SCALE | random.below(16));
    if (!random.oneIn(3)) options.push(SACK_PERMITTED);
    if (this.#timestamps) options.push(NOP_NOP_TIMESTAMPS, this.#timestamp, 0);
    const sequence = this.#sequence;
    this.#sequence = (sequence + 1) >>> 0;
    const flags = this.#acknowledgment === 0 ? SYN : random.pick([SYN, SYN | ACK]);
    const acknowledgment = this.#acknowledgment;
    return { flags, sequence, acknowledgment, window: 65_535, options, payload: 0 };
  }

  #data(random: Random, largest: number): Segment {
    const payload = 1 + random.below(random.oneIn(8) ? largest : Math.min(largest, 1400));
    const segment = this.#segment(random, { payload, flags: ACK | PSH });
    this.#sequence = (this.#sequence + payload) >>> 0;
    return segment;
  }

  /** Something is missing over here: the same acknowledgement again, with what has come beside it. */
  #duplicate(random: Random): Segment {
    this.#duplicates--;
    return this.#segment(random, { payload: 0, sack: !random.oneIn(4), window: 65_535 });
  }

  #fin(random: Random): Segment {
    const payload = random.oneIn(2) ? 0 : random.below(1000);
    const segment = this.#segment(random, { payload, flags: ACK | FIN });
    if (!this.#finSent) this.#sequence = (this.#sequence + payload + 1) >>> 0;
    this.#finSent = true;
    return segment;
  }

  #reset(random: Random): Segment {
    const offset = random.oneIn(2) ? 0 : random.below(70_000);
    return this.#segment(random, { payload: 0, flags: random.pick([RST, RST | ACK]), offset });
  }

  #segment(random: Random, how: {
    payload: number;
    flags?: number;
    offset?: number;
    acknowledge?: number;
    sack?: boolean;
    window?: number;
  }): Segment {
    const options: number[] = [];
    if (this.#timestamps && !random.oneIn(100)) {
      if (random.oneIn(2)) this.#timestamp = (this.#timestamp + random.below(10)) >>> 0;
      const age = random.oneIn(30) ? random.below(1000) : 0;
      options.push(NOP_NOP_TIMESTAMPS, this.#timestamp - age, this.#echo);
    }
    if (how.sack) options.push(...this.#sack(random, options.length === 0 ? 4 : 3));
    return {
      flags: how.flags ?? ACK,
      sequence: (this.#sequence + (how.offset ?? 0)) >>> 0,
      acknowledgment: (this.#acknowledging + (how.acknowledge ?? 0)) >>> 0,
      window: how.window ?? random.pick(WINDOWS),
      options,
      payload: how.payload,
    };
  }

  #sack(random: Random, most: number): number[] {
    const blocks = 1 + random.below(most);
    const words = [NOP_NOP_SACK | (2 + 8 * blocks)];
    // Mostly within what was sent and not acknowledged; anywhere when that is nothing.
    const span = (this.#acknowledgment - this.#acknowledging) >>> 0;
    for (let i = 0; i < blocks; i++) {
      const reach = random.oneIn(8) ? 0xffff_ffff : Math.max(span, 1);
      const left = this.#acknowledging + random.below(reach);
      words.push(left >>> 0, (left + random.below(random.oneIn(8) ? reach : 3000)) >>> 0);
    }
    return words;
  }
}
