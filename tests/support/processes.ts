/** Processes that are made up. */

import type { ProcessInfo } from "../../src/host/owner/process_table.ts";

export function process(pid: number, rest: Partial<ProcessInfo> = {}): ProcessInfo {
  return {
    pid,
    startTime: pid * 10,
    name: `p${pid}`,
    parent: 1,
    uids: [0, 0, 0, 0],
    cgroup: "/",
    leadsTerminal: false,
    ...rest,
  };
}

/** The four of one user. */
export function uids(uid: number): number[] {
  return [uid, uid, uid, uid];
}
