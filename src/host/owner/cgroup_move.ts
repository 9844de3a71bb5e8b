/**
 * A cgroup of ztun's own: made, processes moved there, and all of it taken back.
 *
 * A child is born into its parent's cgroup, so once the parents are in, so is whoever comes later.
 */

import { UserError } from "../../errors.ts";
import { isWithin } from "./cgroup_mount.ts";
import type { RecordChange } from "./changes.ts";
import { type MovedProcess, OWN_USER_HINT } from "./exemption.ts";
import { isAlive, type ProcessInfo, readOrUndefined, readProcess } from "./process_table.ts";

export interface MadeCgroup {
  readonly kind: "cgroup";
  readonly mount: string;
  /** Of the cgroup, below the mount. */
  readonly path: string;
  /** Where whoever is left in it goes: the cgroup that the proxy was in. */
  readonly home: string;
}

export interface MovedProcesses {
  readonly kind: "cgroup-move";
  readonly mount: string;
  /** To here. */
  readonly path: string;
  /** What sockets that are made there are born with. */
  readonly mark: number;
  readonly moved: readonly MovedProcess[];
}

/** Rounds of moving those that were born while the last round moved their parents. */
const MOST_ROUNDS = 20;
/** A process that ends is still in its cgroup for a moment. */
const PATIENCE = 200;
const PAUSE_MS = 10;

/** Makes the cgroup, unless it is there already. */
export function makeCgroup(cgroup: Omit<MadeCgroup, "kind">, record: RecordChange): void {
  const directory = cgroup.mount + cgroup.path;
  if (readOrUndefined(`${directory}/cgroup.procs`) !== undefined) return;
  record({ kind: "cgroup", ...cgroup });
  try {
    Deno.mkdirSync(directory);
  } catch (cause) {
    throw new UserError(`Cannot make the cgroup ${directory}`, { cause, hint: OWN_USER_HINT });
  }
}

/** Moves all that `find` names to the cgroup, until it names nobody who is not there. */
export function moveToCgroup(
  { mount, path, mark }: Pick<MovedProcesses, "mount" | "path" | "mark">,
  find: () => readonly ProcessInfo[],
  record: RecordChange,
): void {
  for (let round = 0; round < MOST_ROUNDS; round++) {
    const moved = find().filter(({ cgroup }) => !isWithin(cgroup, path))
      .map(({ pid, startTime, cgroup }) => ({ pid, startTime, from: cgroup }));
    if (moved.length === 0) return;
    record({ kind: "cgroup-move", mount, path, mark, moved });
    for (const process of moved) moveOne(mount + path, process);
  }
  throw new UserError("Processes start others faster than they can be moved to a cgroup");
}

/** Moves these processes, and the children they have by now, back to where they were; tells whom. */
export function moveBack({ mount, path, moved }: MovedProcesses): ProcessInfo[] {
  const back: ProcessInfo[] = [];
  for (const pid of membersOf(mount + path) ?? []) {
    const process = readProcess(pid);
    const origin = originOf(process, moved);
    if (process === undefined || origin === undefined) continue;
    enterNearest(mount, origin, pid);
    back.push(process);
  }
  return back;
}

/** Sends home whoever is left, and removes the cgroup. */
export async function removeCgroup({ mount, path, home }: MadeCgroup): Promise<void> {
  const directory = mount + path;
  for (let attempt = 0; attempt < PATIENCE; attempt++) {
    const members = membersOf(directory);
    if (members === undefined) return;
    for (const pid of members) enterNearest(mount, home, pid);
    if (removeEmpty(directory)) return;
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }
  throw new UserError(`Cannot remove the cgroup ${directory}`, {
    hint: `See who is in it: \`cat ${directory}/cgroup.procs\``,
  });
}

/** Who is in the cgroup itself; undefined when there is none. */
export function membersOf(directory: string): number[] | undefined {
  // 0 stands for a process of another process namespace; written, it would be ourselves.
  return readOrUndefined(`${directory}/cgroup.procs`)?.split("\n").map(Number)
    .filter((pid) => pid > 0);
}

function moveOne(directory: string, process: MovedProcess): void {
  try {
    if (isAlive(process)) enter(directory, process.pid);
  } catch (cause) {
    // It may have ended since.
    if (!isAlive(process)) return;
    throw new UserError(`Cannot move process ${process.pid} to the cgroup ${directory}`, { cause });
  }
}

function enter(directory: string, pid: number): void {
  Deno.writeTextFileSync(`${directory}/cgroup.procs`, String(pid), { create: false });
}

/** To that cgroup, or, when it was removed, to the next one above that is there. */
function enterNearest(mount: string, wanted: string, pid: number): void {
  for (const path of upwards(wanted)) {
    try {
      return enter(mount + path, pid);
    } catch {
      if (readProcess(pid) === undefined) return;
    }
  }
}

/** Where it was; of one that was born since, where its nearest recorded ancestor was. */
function originOf(
  process: ProcessInfo | undefined,
  moved: readonly MovedProcess[],
): string | undefined {
  const seen = new Set<number>();
  while (process !== undefined && !seen.has(process.pid)) {
    seen.add(process.pid);
    const { pid, startTime, parent } = process;
    const known = moved.find((each) => each.pid === pid && each.startTime === startTime);
    if (known !== undefined) return known.from;
    process = readProcess(parent);
  }
  return undefined;
}

/** `/a/b`, `/a`, and the root: `""`. */
function upwards(path: string): string[] {
  // What lies outside this cgroup namespace shows as `/..`, and cannot be reached.
  const parts = path.includes("..") ? [] : path.split("/").filter((part) => part !== "");
  return [...parts.keys(), parts.length].reverse()
    .map((length) => parts.slice(0, length).map((part) => `/${part}`).join(""));
}

function removeEmpty(directory: string): boolean {
  try {
    Deno.removeSync(directory);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return true;
    return false;
  }
}
