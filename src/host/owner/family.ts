/**
 * Who belongs together: processes and their children, born so far.
 */

import type { ProcessInfo } from "./process_table.ts";

/**
 * The processes and all that descend from them, but without those that `apart` says are on their own,
 * and what descends from these.
 */
export function withChildren(
  all: readonly ProcessInfo[],
  first: readonly ProcessInfo[],
  apart: (process: ProcessInfo) => boolean = () => false,
): ProcessInfo[] {
  const children = Map.groupBy(all, ({ parent }) => parent);
  const found = new Map(first.map((process) => [process.pid, process]));
  // A map goes on to what is added while it is walked.
  for (const { pid } of found.values()) {
    for (const child of children.get(pid) ?? []) {
      if (!apart(child) && !found.has(child.pid)) found.set(child.pid, child);
    }
  }
  return [...found.values()];
}

/** A process, its parent, and so on up to the first. */
export function withAncestors(all: readonly ProcessInfo[], pid: number): Set<number> {
  const parents = new Map(all.map((process) => [process.pid, process.parent]));
  const line = new Set<number>();
  for (let at: number | undefined = pid; at !== undefined && !line.has(at); at = parents.get(at)) {
    line.add(at);
  }
  return line;
}
