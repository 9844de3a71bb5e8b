/**
 * Watches the host's network, and tells what changed.
 *
 * The kernel's news say when to look; they come in bursts, so the look waits until they are over, though
 * not for long. Where there are no news, it looks every two seconds. Now and then it asks whether the
 * machine has slept: the network may be another one, even if nothing of it looks different.
 */

import { platform } from "../../ffi/mod.ts";
import type { NetworkEvents } from "../../ffi/types.ts";
import { type Difference, difference, isSleep } from "./difference.ts";
import { type HostState, readHostState } from "./host_state.ts";

/** A burst is over when nothing has come for so long … */
const QUIET_MS = 50;
/** … but nobody waits longer than this for its end. */
const BURST_MS = 500;
const POLL_MS = 2000;
/** Where the kernel tells the rest. After a sleep it mostly has news too; an idle machine is left to sleep. */
const SLEEP_CHECK_MS = 10_000;

export interface MonitorLog {
  debug(message: string): void;
  warn(message: string): void;
}

export interface MonitorOptions {
  /** Called for one difference at a time: the next is from the picture of this one. */
  onChange(difference: Difference): void | Promise<void>;
  /** Called when something has happened, of which `onChange` may have nothing to say. */
  onNews?(): void;
  /** Devices whose changes are left out. */
  isOurs(device: string): boolean;
  readonly log: MonitorLog;
}

/** What the monitor needs of the system; a test makes its own. */
export interface MonitorSystem {
  look(): HostState;
  /** Only where the kernel tells of changes. */
  readonly events?: NetworkEvents;
  /** How long the machine has slept since its start. */
  suspendedMs(): number;
  /** A clock that stands still while the machine sleeps. */
  now(): number;
  /** Calls back once, later; gives what cancels it. */
  after(ms: number, callback: () => void): () => void;
  close(): void;
}

export class Monitor {
  readonly #options: MonitorOptions;
  readonly #system: MonitorSystem;
  readonly #listening: Promise<void>;
  #hasNews: boolean;
  #state: HostState;
  #suspendedMs: number;
  /** A look has failed, or was put off: the next poll makes up for it. */
  #lookDue = false;
  #telling = false;
  #burstSince: number | undefined;
  #cancelLook = () => {};
  #cancelPoll = () => {};
  #closed = false;

  /** Begins with the picture of now; `onChange` is told of what comes after. */
  static start(options: MonitorOptions, system = thisSystem(options)): Monitor {
    try {
      return new Monitor(options, system);
    } catch (error) {
      void system.events?.close();
      system.close();
      throw error;
    }
  }

  private constructor(options: MonitorOptions, system: MonitorSystem) {
    this.#options = options;
    this.#system = system;
    this.#suspendedMs = system.suspendedMs();
    this.#state = system.look();
    this.#hasNews = system.events !== undefined;
    this.#listening = this.#listen();
    this.#schedulePoll();
  }

  /** The picture that `onChange` was told of last. */
  get state(): HostState {
    return this.#state;
  }

  /** No call of `onChange` begins after this one; one that is under way is not waited for. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#cancelLook();
    this.#cancelPoll();
    await this.#system.events?.close();
    await this.#listening;
    this.#system.close();
  }

  async #listen(): Promise<void> {
    const { events } = this.#system;
    try {
      while (events !== undefined && (await events.next()).size > 0) this.#noticed();
    } catch (error) {
      this.#options.log.warn(`No more news of the network, looking instead: ${error}`);
      this.#lookDue = true;
    }
    this.#hasNews = false;
    this.#schedulePoll();
  }

  /** Something changed: looks when it is over. */
  #noticed(): void {
    if (this.#closed) return;
    const now = this.#system.now();
    this.#burstSince ??= now;
    const rest = this.#burstSince + BURST_MS - now;
    this.#cancelLook();
    this.#cancelLook = this.#system.after(
      Math.max(0, Math.min(QUIET_MS, rest)),
      () => {
        this.#look();
        this.#options.onNews?.();
      },
    );
  }

  #schedulePoll(): void {
    if (this.#closed) return;
    this.#cancelPoll();
    const untold = !this.#hasNews || this.#lookDue;
    this.#cancelPoll = this.#system.after(untold ? POLL_MS : SLEEP_CHECK_MS, () => {
      if (!this.#hasNews || this.#lookDue || isSleep(this.#sleptMs())) this.#look();
      this.#schedulePoll();
    });
  }

  #sleptMs(): number {
    return this.#system.suspendedMs() - this.#suspendedMs;
  }

  #look(): void {
    this.#burstSince = undefined;
    this.#lookDue = this.#telling;
    if (this.#closed || this.#telling) return;
    try {
      const sleptMs = this.#sleptMs();
      const found = difference(this.#state, this.#system.look(), sleptMs);
      if (found === undefined) return;
      this.#suspendedMs += sleptMs;
      this.#state = found.after;
      void this.#tell(found);
    } catch (error) {
      this.#options.log.debug(`Cannot look at the network now: ${error}`);
      this.#lookDue = true;
      this.#schedulePoll();
    }
  }

  async #tell(found: Difference): Promise<void> {
    this.#telling = true;
    try {
      await this.#options.onChange(found);
    } catch (error) {
      this.#options.log.warn(`Cannot follow a change of the network: ${error}`);
    }
    this.#telling = false;
    if (this.#lookDue) this.#look();
  }
}

/** The network namespace that this thread is in. */
function thisSystem({ isOurs, log }: MonitorOptions): MonitorSystem {
  const routes = platform.openRouteSocket();
  const events = openEvents(log);
  return {
    look: () => readHostState(routes, isOurs),
    ...(events === undefined ? {} : { events }),
    suspendedMs: platform.suspendedMs,
    now: () => performance.now(),
    after(ms, callback) {
      const timer = setTimeout(callback, ms);
      return () => clearTimeout(timer);
    },
    close: () => routes.close(),
  };
}

function openEvents(log: MonitorLog): NetworkEvents | undefined {
  try {
    return platform.openNetworkEvents();
  } catch (error) {
    log.warn(`No news of the network, looking every ${POLL_MS / 1000} s instead: ${error}`);
    return undefined;
  }
}
