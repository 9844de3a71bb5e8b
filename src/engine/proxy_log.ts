/** One line for each kind of trouble with the proxy, however many flows it hits. */

import type { Logger } from "../log.ts";

/** The same kind is reported again after so long, with a count. */
const QUIET = 10_000;

interface Seen {
  at: number;
  suppressed: number;
}

export class ProxyLog {
  readonly #log: Logger;
  readonly #proxy: string;
  readonly #seen = new Map<string, Seen>();
  #down = false;

  constructor(log: Logger, proxy: string) {
    this.#log = log;
    this.#proxy = proxy;
  }

  /** `kind` groups the reports; `message` says what happened this time. */
  failure(kind: string, message: string, now: number): void {
    const seen = this.#seen.get(kind);
    if (seen !== undefined && now - seen.at < QUIET) {
      seen.suppressed++;
      return;
    }
    const times = seen === undefined || seen.suppressed === 0
      ? ""
      : ` (${seen.suppressed} more since)`;
    this.#seen.set(kind, { at: now, suppressed: 0 });
    this.#log.warn("Proxy {proxy}: {message}{times}", { proxy: this.#proxy, message, times });
  }

  /** Ordinary for one flow, and worth knowing when there are many. */
  detail(message: string): void {
    this.#log.debug("Proxy {proxy}: {message}", { proxy: this.#proxy, message });
  }

  /** The proxy could not be reached. */
  unreachable(message: string, now: number): void {
    this.#down = true;
    this.failure("unreachable", message, now);
  }

  /** The proxy was reached; true when it had not been before. */
  reached(): boolean {
    if (!this.#down) return false;
    this.#down = false;
    this.#seen.clear();
    this.#log.info("Proxy {proxy}: reachable again", { proxy: this.#proxy });
    return true;
  }
}
