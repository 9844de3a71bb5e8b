/**
 * One program at a time looks at the host and changes it: two that start together would both find the same
 * table and the same priorities free. The lock goes with the process.
 */

import type { Disk } from "./disk.ts";
import { usableDirectory } from "./journal.ts";
import type { Machine } from "./machine.ts";

const PAUSE_MS = 20;

/** Runs `body` while nobody else does. The journals' directory itself is what is locked: no file is left. */
export async function withHostLock<T>(
  disk: Disk,
  machine: Machine,
  directories: readonly string[],
  body: () => Promise<T>,
): Promise<T> {
  const directory = disk.open(usableDirectory(disk, machine, directories), { read: true });
  try {
    while (!directory.tryLockSync(true)) {
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    }
    return await body();
  } finally {
    directory.close();
  }
}
