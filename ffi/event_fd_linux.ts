/**
 * A counter that can be waited for: wakes a thread that sleeps in the kernel. See `man 2 eventfd`.
 *
 * The number of the descriptor is all that another thread, or a Worker, needs to signal it.
 */

import { get32le } from "../src/bytes.ts";
import { check, libc } from "./libc.ts";

const EFD_NONBLOCK_CLOEXEC = 0o4000 | 0o2000000;
/** Larger than the counter, so that V8 keeps it off its moving heap. */
const BUFFER = 128;

const one = new Uint8Array(BUFFER);
one[0] = 1;

export class EventFd {
  readonly fd: number;
  readonly #counter = new Uint8Array(BUFFER);

  /** A new one, or the one that another thread has made. */
  constructor(fd = check("eventfd", libc().eventfd(0, EFD_NONBLOCK_CLOEXEC))) {
    this.fd = fd;
  }

  signal(): void {
    signalEventFd(this.fd);
  }

  /** How often it was signalled since the last time; it is not readable afterwards. */
  drain(): number {
    return Number(libc().read(this.fd, this.#counter, 8n)) < 0 ? 0 : get32le(this.#counter, 0);
  }

  close(): void {
    libc().close(this.fd);
  }
}

/** Wakes whoever waits for the descriptor. It never blocks. */
export function signalEventFd(fd: number): void {
  libc().write(fd, one, 8n);
}
