/**
 * Gives back to the system what a burst has left behind: packet memory as soon as it lies free for a while,
 * and what V8 and the C library hold, once many flows have come or gone and nothing moves.
 *
 * A collection stops everything for tens of milliseconds. So it waits for a quiet moment, and for enough
 * to collect.
 */

import { collectGarbage, releaseHeap } from "../../ffi/resident_linux.ts";
import type { Memory } from "../../ffi/memory.ts";
import type { Alarm } from "./alarms.ts";
import type { EngineContext } from "./context.ts";

const INTERVAL = 1_000;
/** Intervals without a packet, after which it is quiet. */
const QUIET = 2;
/** The same at the start: there is little yet that a collection would have to look at. */
const QUIET_AT_START = 1;
/** Flows that have come or gone: what they leave behind is worth a collection. */
const WORTH_COLLECTING = 500;

export class Housekeeping {
  readonly #context: EngineContext;
  readonly #memory: Memory;
  #alarm: Alarm | undefined;
  /** At the last look; none is like what the start leaves behind, which is looked after as well. */
  #packets = -1;
  #quiet = 0;
  /** Flows that had come or gone then; what the start leaves behind is worth a collection as well. */
  #collectedAt = -WORTH_COLLECTING;

  constructor(context: EngineContext, memory: Memory) {
    this.#context = context;
    this.#memory = memory;
  }

  /** Something happens: it will be looked after. A look of its own is not such a thing. */
  notice(): void {
    if (this.#alarm === undefined && this.#countPackets() !== this.#packets) this.#lookLater();
  }

  stop(): void {
    this.#alarm?.cancel();
    this.#alarm = undefined;
  }

  #lookLater(): void {
    this.#alarm = this.#context.after(INTERVAL, () => this.#look());
  }

  #countPackets(): number {
    const { counters } = this.#context;
    return counters.packetsReceived + counters.packetsSent;
  }

  #look(): void {
    this.#alarm = undefined;
    const { arena } = this.#context;
    const packets = this.#countPackets();
    this.#quiet = packets === this.#packets ? this.#quiet + 1 : 0;
    this.#packets = packets;
    const more = arena.trim((at, length) => this.#memory.discard(at, length));
    if (this.#quiet >= (this.#collectedAt < 0 ? QUIET_AT_START : QUIET)) this.#collect();
    if (more || this.#quiet < QUIET) this.#lookLater();
  }

  #collect(): void {
    const { counters, stack } = this.#context;
    const cameAndWent = 2 * counters.tcpOpened - stack.connections.size;
    if (cameAndWent - this.#collectedAt < WORTH_COLLECTING) return;
    this.#collectedAt = cameAndWent;
    collectGarbage();
    releaseHeap();
  }
}
