/**
 * What an exemption changes on the host: plain data, enough to undo it in another process, days later.
 *
 * Each is recorded before it is made. Undoing is idempotent, and leaves alone what went away by itself.
 */

import { detachCgroupMark } from "../../../ffi/cgroup_mark_linux.ts";
import { type MadeCgroup, moveBack, type MovedProcesses, removeCgroup } from "./cgroup_move.ts";
import { type MarkedSockets, unmarkProcesses, unmarkSockets } from "./mark_sockets.ts";
import { isWithin } from "./cgroup_mount.ts";
import { readProcesses } from "./process_table.ts";

/** Sockets made in a cgroup are born with a mark. */
export interface CgroupMark {
  readonly kind: "cgroup-mark";
  readonly mount: string;
  readonly path: string;
  readonly mark: number;
}

export type ExemptionChange = MadeCgroup | CgroupMark | MovedProcesses | MarkedSockets;

/** Called before the change is made; when it returns, the change is on the disk. */
export type RecordChange = (change: ExemptionChange) => void;

/** Undoes one; of several, the last comes first. */
export async function undoChange(change: ExemptionChange): Promise<void> {
  switch (change.kind) {
    case "cgroup":
      return await removeCgroup(change);
    case "cgroup-move":
      return unmarkProcesses(moveBack(change), change.mark);
    case "cgroup-mark":
      return undoCgroupMark(change);
    case "socket-marks":
      return unmarkSockets(change);
  }
}

/** First no more sockets are born with it, then those that were lose it. */
function undoCgroupMark({ mount, path, mark }: CgroupMark): void {
  detachCgroupMark(mount + path, mark);
  unmarkProcesses(readProcesses().filter(({ cgroup }) => isWithin(cgroup, path)), mark);
}
