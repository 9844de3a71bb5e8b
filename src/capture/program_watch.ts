/**
 * Tells when programs start: which ones, as the kernel says it; or, where it does not say so, every second
 * that some may have.
 */

import {
  type ProcessEvents,
  ProcessEvents as KernelEvents,
} from "../../ffi/process_events_linux.ts";

const POLL_MS = 1000;

/** Processes that have another name now, by number; undefined when it may be any. */
export type Started = ReadonlySet<number> | undefined;

export interface ProgramWatchLog {
  debug(message: string): void;
}

export interface ProgramWatchOptions {
  /** Must not throw. */
  onStart(started: Started): void;
  readonly log: ProgramWatchLog;
}

/** What the watch needs of the system; a test makes its own. */
export interface ProgramWatchSystem {
  /** Throws where the kernel has no news for us. */
  openEvents(): Pick<ProcessEvents, "next" | "close">;
  /** Calls back once, later; gives what cancels it. */
  after(ms: number, callback: () => void): () => void;
}

const thisSystem: ProgramWatchSystem = {
  openEvents: () => new KernelEvents(),
  after(ms, callback) {
    const timer = setTimeout(callback, ms);
    return () => clearTimeout(timer);
  },
};

export class ProgramWatch {
  readonly #options: ProgramWatchOptions;
  readonly #system: ProgramWatchSystem;
  readonly #events: Pick<ProcessEvents, "next" | "close"> | undefined;
  readonly #listening: Promise<void>;
  #cancelPoll = () => {};
  #closed = false;

  constructor(options: ProgramWatchOptions, system: ProgramWatchSystem = thisSystem) {
    this.#options = options;
    this.#system = system;
    this.#events = this.#open();
    this.#listening = this.#listen();
  }

  /** `onStart` is not called any more once this has been. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#cancelPoll();
    await this.#events?.close();
    await this.#listening;
  }

  #open(): Pick<ProcessEvents, "next" | "close"> | undefined {
    try {
      return this.#system.openEvents();
    } catch (error) {
      this.#pollInstead(error);
      return undefined;
    }
  }

  async #listen(): Promise<void> {
    try {
      while (this.#events !== undefined && !this.#closed) {
        const { named, lost } = await this.#events.next();
        if (!this.#closed) this.#options.onStart(lost ? undefined : named);
      }
    } catch (error) {
      this.#pollInstead(error);
    }
  }

  #pollInstead(reason: unknown): void {
    this.#options.log.debug(`No news of programs that start, looking instead: ${reason}`);
    this.#schedulePoll();
  }

  #schedulePoll(): void {
    if (this.#closed) return;
    this.#cancelPoll = this.#system.after(POLL_MS, () => {
      this.#schedulePoll();
      this.#options.onStart(undefined);
    });
  }
}
