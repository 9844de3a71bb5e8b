/**
 * How long this machine has slept: the clock that goes on in its sleep against the one that does not.
 *
 * See `man 2 clock_gettime`.
 */

import { get32le } from "../src/bytes.ts";
import { check, libc } from "./libc.ts";

const CLOCK_MONOTONIC = 1;
const CLOCK_BOOTTIME = 7;
/** Two clocks that are read so close to each other tell their difference well enough. */
const CLOSE_MS = 5;
const ATTEMPTS = 100;

const time = new Uint8Array(128);

/** Milliseconds since the system was started that it was suspended. Only differences say something. */
export function suspendedMs(): number {
  let suspended = 0;
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const before = read(CLOCK_MONOTONIC);
    suspended = read(CLOCK_BOOTTIME) - before;
    // Others may have had the processor in between.
    if (read(CLOCK_MONOTONIC) - before < CLOSE_MS) break;
  }
  return suspended;
}

function read(clock: number): number {
  check("clock_gettime", libc().clock_gettime(clock, time));
  return get32le(time, 0) * 1000 + get32le(time, 8) / 1e6;
}
