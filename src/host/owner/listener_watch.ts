/**
 * Notices that another process listens where the proxy did, or nobody.
 *
 * A look is one question to the kernel, and one small file for each process that is known to listen. The
 * clock is the caller's; so is the timer.
 */

import { isAlive, type ProcessName } from "./process_table.ts";

export type ListenerNews =
  | "same"
  /** Another socket, or the same in other hands: exempt whose it is now. */
  | "changed"
  /** Nobody listens any more. Told once. */
  | "gone";

export interface ListenerWatchOptions {
  /** The inode of what listens now; 0 for nobody. */
  readonly lookUp: () => number;
  readonly intervalMs: number;
  readonly alive?: (process: ProcessName) => boolean;
}

export class ListenerWatch {
  readonly #lookUp: () => number;
  readonly #intervalMs: number;
  readonly #alive: (process: ProcessName) => boolean;
  #inodes: ReadonlySet<number> = new Set();
  #holders: readonly ProcessName[] = [];
  #gone = false;
  #nextLook = 0;

  constructor({ lookUp, intervalMs, alive = isAlive }: ListenerWatchOptions) {
    this.#lookUp = lookUp;
    this.#intervalMs = intervalMs;
    this.#alive = alive;
  }

  /** When the next look is due. */
  get nextLook(): number {
    return this.#nextLook;
  }

  /** These are exempted. */
  follow(inodes: Iterable<number>, holders: readonly ProcessName[], now: number): void {
    this.#inodes = new Set(inodes);
    this.#holders = holders;
    this.#gone = false;
    this.#nextLook = now + this.#intervalMs;
  }

  /** A connection to the proxy was refused, or broke: look at once. */
  connectFailed(now: number): void {
    this.#nextLook = Math.min(this.#nextLook, now);
  }

  /** Looks, when it is time. "changed" comes again with every look until `follow` is called. */
  tick(now: number): ListenerNews {
    if (now < this.#nextLook) return "same";
    this.#nextLook = now + this.#intervalMs;
    const inode = this.#lookUp();
    if (inode === 0) return this.#lost();
    this.#gone = false;
    const known = this.#inodes.has(inode) && this.#holders.some(this.#alive);
    return known ? "same" : "changed";
  }

  #lost(): ListenerNews {
    const news = this.#gone ? "same" : "gone";
    this.#gone = true;
    // Who listens next is another, whatever the number.
    this.#inodes = new Set();
    return news;
  }
}
