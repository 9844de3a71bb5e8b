/** What the parts of an engine share: one object, made by the engine, read by its relays. */

import type { Arena } from "../arena.ts";
import type { Settings } from "../config/settings.ts";
import type { Counters } from "../counters.ts";
import type { DescriptorIndex } from "../../ffi/tcp_socket_linux.ts";
import type { VectorIo } from "../../ffi/vector_io_linux.ts";
import type { Logger } from "../log.ts";
import type { Stack } from "../stack/stack.ts";
import type { ProxyDialer } from "./proxy_dialer.ts";

/** Something with a descriptor of its own that the loop reads when there is something to read. */
export interface Readable {
  /** Reads a batch, using the large slot at `at` as it likes; how much work there was. */
  read(at: number): number;
}

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
  readonly dialer: ProxyDialer;
  /** For sockets: reads and writes on packet memory that do not wait. */
  readonly io: VectorIo;
  readonly descriptors: DescriptorIndex;
  /** Has the loop call `readable` whenever `fd` has something to read. */
  watch(fd: number, readable: Readable): void;
  unwatch(fd: number): void;
  /** Milliseconds from some start, as the stack counts them. */
  now(): number;
  /** Has the next `settle` call `relay.flush`. */
  flushLater(relay: Flushable): void;
  /** To be called after the stack was used from outside the loop: sends what is due, sets the timer. */
  settle(): void;
  /** Resolves when there is packet memory again. */
  memoryFree(): Promise<void>;
}

/**
 * Large slots that relays leave alone, so that the loop can always read: acknowledgements that free
 * memory come in through it.
 */
export const RESERVED_SLOTS = 8;
