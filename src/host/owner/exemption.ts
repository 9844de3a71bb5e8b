/**
 * How what a proxy sends is told from what everybody else sends: the decision, with its reason.
 *
 * What is exempted stays out of the tunnel, so it must be the proxy and nothing else. Its own cgroup is
 * best, because new processes are born into it; then a user that is nobody else's; then a cgroup that is
 * made for it.
 */

import type { Cgroup2 } from "./cgroup_mount.ts";
import { isWithin } from "./cgroup_mount.ts";
import type { Owner } from "./find_owner.ts";
import type { ProcessInfo, ProcessName } from "./process_table.ts";
import type { User } from "./users.ts";

/** A process, and the cgroup that it was in. */
export interface MovedProcess extends ProcessName {
  readonly from: string;
}

/** What helps where there is no cgroup to be had. */
export const OWN_USER_HINT =
  "Run the proxy as a user of its own (`sudo useradd --system proxy`, then " +
  "`sudo -u proxy COMMAND`), or name the server that it sends to: `--bypass ADDRESS`";

export type Exemption =
  | { readonly kind: "cgroup"; readonly path: string; readonly why: string }
  | { readonly kind: "user"; readonly uid: number; readonly name: string; readonly why: string }
  | {
    readonly kind: "new-cgroup";
    readonly path: string;
    readonly moves: readonly MovedProcess[];
    readonly why: string;
  }
  | { readonly kind: "refused"; readonly why: string; readonly hint: string };

export interface ExemptionHost {
  /** Every process of the host. */
  readonly processes: readonly ProcessInfo[];
  readonly cgroup2: Cgroup2 | undefined;
  user(uid: number): User;
  /** Users that run ztun: its own, and the one who called `sudo`. */
  readonly ownUsers: readonly number[];
  /** Path for a cgroup of ours, `/ztun-…`. */
  readonly newCgroup: string;
}

export function planExemption({ processes }: Owner, host: ExemptionHost): Exemption {
  const who = nameProcesses(processes);
  const { newCgroup } = host;
  const inOurs = (process: ProcessInfo) => isWithin(process.cgroup, newCgroup);
  if (processes.every(inOurs)) {
    return { kind: "cgroup", path: newCgroup, why: `${who} is in ${newCgroup}, made for it` };
  }
  const cgroup = host.cgroup2?.writable ? ownCgroup(processes, host) : undefined;
  if (cgroup !== undefined) {
    return { kind: "cgroup", path: cgroup, why: `${who} is alone in the cgroup ${cgroup}` };
  }
  const uid = ownUser(processes, host);
  if (uid !== undefined) {
    const { name } = host.user(uid);
    return { kind: "user", uid, name, why: `${who} has the user ${name} to itself` };
  }
  if (!host.cgroup2?.writable) return refuse(who, host);
  const moves = processes.filter((process) => !inOurs(process))
    .map(({ pid, startTime, cgroup }) => ({ pid, startTime, from: cgroup }));
  const others = `${who} shares cgroup and user with other programs`;
  const why = `${others}, so it gets the cgroup ${newCgroup} of its own`;
  return { kind: "new-cgroup", path: newCgroup, moves, why };
}

/** The deepest cgroup that has all of them, when nobody else is in there or below. */
function ownCgroup(
  processes: readonly ProcessInfo[],
  host: ExemptionHost,
): string | undefined {
  const path = commonPath(processes.map(({ cgroup }) => cgroup));
  if (path === "/") return undefined;
  const ours = new Set(processes.map(({ pid }) => pid));
  const inside = host.processes.filter(({ cgroup }) => isWithin(cgroup, path));
  return inside.every(({ pid }) => ours.has(pid)) ? path : undefined;
}

function commonPath(paths: readonly string[]): string {
  const parts = paths.map((path) => path.split("/").filter((part) => part !== ""));
  const [first = [], ...others] = parts;
  const end = first.findIndex((part, at) => others.some((other) => other[at] !== part));
  return `/${first.slice(0, end < 0 ? first.length : end).join("/")}`;
}

/** The user of all of them, when it is a service's, and no other process has it. */
function ownUser(processes: readonly ProcessInfo[], host: ExemptionHost): number | undefined {
  const uid = processes[0]!.uids[0]!;
  // Who is somebody else at times (dante, which starts as root) has sockets of both.
  if (!processes.every(({ uids }) => uids.every((each) => each === uid))) return undefined;
  if (host.ownUsers.includes(uid) || !host.user(uid).service) return undefined;
  const ours = new Set(processes.map(({ pid }) => pid));
  const same = host.processes.filter(({ uids }) => uids.includes(uid));
  return same.every(({ pid }) => ours.has(pid)) ? uid : undefined;
}

function refuse(who: string, { cgroup2 }: ExemptionHost): Exemption {
  const lack = cgroup2 === undefined
    ? "there is no cgroup v2 here"
    : `cgroup v2 at ${cgroup2.mount} is read-only here`;
  return {
    kind: "refused",
    why:
      `${who} shares its user with other programs, and ${lack}: what it sends cannot be told apart`,
    hint: OWN_USER_HINT,
  };
}

/** `danted (pid 12, 13 and 4 more)` */
export function nameProcesses(processes: readonly ProcessInfo[]): string {
  const pids = processes.map(({ pid }) => pid);
  const shown = pids.slice(0, 3).join(", ");
  const more = pids.length > 3 ? ` and ${pids.length - 3} more` : "";
  return `${processes[0]!.name} (pid ${shown}${more})`;
}
