/**
 * What the process holds in memory and does not use, given back to the system: for an idle moment, because
 * a collection takes tens of milliseconds, and hundreds when ten thousand flows are alive.
 */

import { libc } from "./libc.ts";

const MADV_DONTNEED = 4;
/** More bytes than any address space has. */
const IMPOSSIBLE = 2 ** 50;

/** Stretches of the program's code: where they begin, and how long they are. */
let code: [Deno.PointerObject, bigint][] | undefined;

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

/**
 * Unmaps the pages of the program's own code. What still runs comes back from the file's cache, some pages
 * at a time; what only ran at start (parsers, compilers, loaders: more than half of it) does not.
 */
export function releaseCode(): void {
  code ??= findCode();
  for (const [at, length] of code) libc().madvise(at, length, MADV_DONTNEED);
}

/** Only what is mapped from the file and cannot be written: there is nothing in it that could be lost. */
function findCode(): [Deno.PointerObject, bigint][] {
  const program = Deno.readLinkSync("/proc/self/exe");
  const found: [Deno.PointerObject, bigint][] = [];
  for (const line of Deno.readTextFileSync("/proc/self/maps").split("\n")) {
    const [, from, to, path] = line.match(/^([0-9a-f]+)-([0-9a-f]+) r-xp \S+ \S+ \d+ +(.*)$/) ?? [];
    if (path !== program) continue;
    const at = BigInt(`0x${from}`);
    const pointer = Deno.UnsafePointer.create(at);
    if (pointer !== null) found.push([pointer, BigInt(`0x${to}`) - at]);
  }
  return found;
}
