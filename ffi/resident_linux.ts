/**
 * What the process holds in memory and does not use, given back to the system: for an idle moment, because
 * a collection takes tens of milliseconds, and hundreds when ten thousand flows are alive.
 */

import { libc } from "./libc.ts";

/** More bytes than any address space has. */
const IMPOSSIBLE = 2 ** 50;

/**
 * Has V8 collect everything that nobody uses, and shrink to what is left.
 *
 * V8 collects when it needs room, and after a burst nothing needs room; there is no call for it. But before
 * it lets an allocation fail it does all that it can: so one that must fail is the call.
 */
export function collectGarbage(): void {
  try {
    new ArrayBuffer(IMPOSSIBLE);
  } catch {
    // As it has to be.
  }
}

/** Gives back what the C library, and with it Deno's own objects, holds free. */
export function releaseHeap(): void {
  libc().malloc_trim(0n);
}
