/** What the parts of an engine share: one object, made by the engine, read by its relays. */

import type { Arena } from "../arena.ts";
import type { Settings } from "../config/settings.ts";
import type { Counters } from "../counters.ts";
import type { VectorIo } from "../../ffi/vector_io_linux.ts";
import type { Logger } from "../log.ts";
import type { Stack } from "../stack/stack.ts";
import type { Alarm } from "./alarms.ts";
import type { Driver } from "./driver.ts";
import type { ProxyDialer } from "./proxy_dialer.ts";

/** Something that gathers small writes until the end of a batch. */
export interface Flushable {
  flush(): void;
}

export interface EngineContext {
  readonly settings: Settings;
  readonly counters: Counters;
  readonly log: Logger;
  readonly arena: Arena;
  readonly stack: Stack;
  readonly driver: Driver;
  readonly dialer: ProxyDialer;
  /** What sockets of ours send carries it, where the system lets us: see `ffi/socket_mark_linux.ts`. */
  readonly mark: number;
  /** For sockets: reads and writes on packet memory that do not wait. */
  readonly io: VectorIo;
  /** Milliseconds from some start, as the stack counts them. */
  now(): number;
  /** Calls back once, after so many milliseconds. */
  after(milliseconds: number, callback: () => void): Alarm;
  /** Calls back once when there is packet memory again, or the engine ends. */
  whenMemory(callback: () => void): void;
  /** Has the next `settle` call `relay.flush`. */
  flushLater(relay: Flushable): void;
  /** To be called before the stack is used from outside the loop: it knows what time it is then. */
  begin(): void;
  /** To be called after the stack was used from outside the loop: sends what is due, sets the timer. */
  settle(): void;
}

/**
 * Large slots that relays leave alone, so that the loop can always read: acknowledgements that free
 * memory come in through it.
 */
export const RESERVED_SLOTS = 8;
