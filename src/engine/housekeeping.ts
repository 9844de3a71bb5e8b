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
/** Flows that have come or gone: what they leave behind is worth a collection. */
const WORTH_COLLECTING = 500;

export class Housekeeping {
  readonly #context: EngineContext;
  readonly #memory: Memory;
  #alarm: Alarm | undefined;
  #packets = 0;
  #quiet = 0;
  #collectedAt = 0;

  constructor(context: EngineContext, memory: Memory) {
    this.#context = context;
    this.#memory = memory;
  }

  /** Something happens: it will be looked after. */
  notice(): void {
    this.#alarm ??= this.#context.after(INTERVAL, () => this.#look());
  }

  stop(): void {
    this.#alarm?.cancel();
    this.#alarm = undefined;
  }

  #look(): void {
    this.#alarm = undefined;
    const { arena, counters } = this.#context;
    const packets = counters.packetsReceived + counters.packetsSent;
    this.#quiet = packets === this.#packets ? this.#quiet + 1 : 0;
    this.#packets = packets;
    const more = arena.trim((at, length) => this.#memory.discard(at, length));
    if (this.#quiet >= QUIET) this.#collect();
    if (more || this.#quiet < QUIET) this.notice();
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
