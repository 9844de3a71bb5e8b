/**
 * Takes processes out of the tunnel: by a cgroup, in which sockets are born with the mark, and by the mark
 * on sockets that are there already.
 *
 * In order: the mark that sockets in the cgroup are born with, the processes into it, and only then the
 * sockets that were there before. So from some moment on none is made without the mark.
 */

import { attachCgroupMark, hasCgroupMark } from "../../../ffi/cgroup_mark_linux.ts";
import { SysError } from "../../../ffi/libc.ts";
import type { SockDiag } from "../../../ffi/sock_diag_linux.ts";
import { type Address, sameAddress } from "../../addr/address.ts";
import { moveToCgroup } from "./cgroup_move.ts";
import type { RecordChange } from "./changes.ts";
import { socketsOf } from "./descriptors.ts";
import { type MarkResult, markSockets, unmarkThese } from "./mark_sockets.ts";
import type { ProcessInfo } from "./process_table.ts";

export interface OutsideOptions {
  readonly diag: SockDiag;
  /** What goes by the old way carries it (SO_MARK). */
  readonly mark: number;
  /** The tunnel's own: a connection that has one for its source began in the tunnel. */
  readonly tunnelAddresses: readonly Address[];
  readonly record: RecordChange;
}

export interface MarkedProcesses {
  readonly sockets: MarkResult;
  /** Connections that had begun in the tunnel, and could not have gone on outside: ended. */
  readonly ended: number;
}

/** The processes as they are by now. */
export type FindProcesses = () => readonly ProcessInfo[];

/** Moves them to the cgroup, which is there, and marks what they have. */
export function bringOutside(
  cgroup: { readonly mount: string; readonly path: string },
  find: FindProcesses,
  options: OutsideOptions,
): MarkedProcesses & { readonly bornMarked: boolean } {
  const bornMarked = markWhatIsBorn(cgroup, options);
  moveToCgroup({ ...cgroup, mark: options.mark }, find, options.record);
  return { bornMarked, ...markOutside(find, options) };
}

/** Whether this kernel can; where not, that is no failure: the firewall marks packets of the cgroup. */
export function markWhatIsBorn(
  { mount, path }: { readonly mount: string; readonly path: string },
  { mark, record }: Pick<OutsideOptions, "mark" | "record">,
): boolean {
  try {
    if (hasCgroupMark(mount + path, mark)) return true;
    record({ kind: "cgroup-mark", mount, path, mark });
    attachCgroupMark(mount + path, mark);
    return true;
  } catch (error) {
    if (error instanceof SysError) return false;
    throw error;
  }
}

/** Ends what could not go on outside, and marks the other sockets that they have. */
export function markOutside(find: FindProcesses, options: OutsideOptions): MarkedProcesses {
  // First: one packet with the mark, and the firewall takes all of the connection for one that is outside,
  // also what tells the tunnel of its end.
  const before = endStuck(find, options);
  const sockets = markSockets(find, options.mark, options.record);
  return { sockets, ended: before + endStuck(find, options) };
}

/** Their source address stays: by the uplink they would get no answer, for minutes. */
function endStuck(find: FindProcesses, { diag, tunnelAddresses }: OutsideOptions): number {
  const stuck = (["tcp", "udp"] as const).flatMap((protocol) => diag.sockets(protocol))
    .filter(({ local }) => tunnelAddresses.some((each) => sameAddress(each, local.address)))
    .filter(({ inode }) => inode !== 0);
  if (stuck.length === 0) return 0;
  const processes = find();
  const inodes = new Set(processes.flatMap(({ pid }) => socketsOf(pid)).map(({ inode }) => inode));
  const theirs = stuck.filter(({ inode }) => inodes.has(inode));
  // Or the tunnel, in which they began, would not be told.
  unmarkThese(processes, new Set(theirs.map(({ inode }) => inode)));
  return theirs.filter((each) => diag.destroy(each)).length;
}
