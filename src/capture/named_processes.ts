/** Programs by their name, as `ps` shows it, or as their file is called. */

import { withChildren } from "../host/owner/family.ts";
import { networkOf } from "../host/owner/descriptors.ts";
import type { ProcessInfo } from "../host/owner/process_table.ts";

/** What is known of processes besides their table. */
export interface ProcessFacts {
  /** The file that it runs; undefined for a thread of the kernel, and for one that ended. */
  executable(pid: number): string | undefined;
  /** Whether it sends by this network, not by a container's. */
  isHere(pid: number): boolean;
}

/** The kernel keeps so many octets of a name. */
const NAME_SIZE = 15;

export function isNamed(
  { pid, name }: ProcessInfo,
  names: readonly string[],
  { executable }: ProcessFacts,
): boolean {
  const path = executable(pid);
  if (path === undefined) return false;
  // A program that was replaced by a newer version while it runs.
  const file = path.slice(path.lastIndexOf("/") + 1).replace(/ \(deleted\)$/, "");
  return names.some((wanted) => wanted === file || short(wanted) === name);
}

/**
 * The processes with one of the names, and their children. Neither the first process of all, nor `self`
 * and what it has started.
 */
export function namedProcesses(
  all: readonly ProcessInfo[],
  names: readonly string[],
  self: number,
  facts: ProcessFacts,
): ProcessInfo[] {
  const apart = ({ pid }: ProcessInfo) => pid === self || !facts.isHere(pid);
  const named = all.filter((process) =>
    process.pid !== 1 && isNamed(process, names, facts) && !apart(process)
  );
  return withChildren(all, named, apart);
}

/** As `/proc` tells it; "this network" is the one that this thread is in now. */
export function thisHostsFacts(): ProcessFacts {
  const here = networkOf("thread-self");
  return { executable, isHere: (pid) => networkOf(pid) === here };
}

function executable(pid: number): string | undefined {
  try {
    return Deno.readLinkSync(`/proc/${pid}/exe`);
  } catch {
    return undefined;
  }
}

function short(name: string): string {
  const octets = new TextEncoder().encode(name);
  return octets.length <= NAME_SIZE ? name : new TextDecoder().decode(octets.slice(0, NAME_SIZE));
}
