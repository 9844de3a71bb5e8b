/**
 * A mark on the sockets that a proxy already has when ztun comes, and on those it makes meanwhile.
 *
 * Other sockets than those for TCP and UDP count too, so each descriptor is asked what it is. A socket
 * that listens hands its mark to the connections it takes.
 */

import { closeFd } from "../../../ffi/fd_passing_linux.ts";
import { Errno, SysError } from "../../../ffi/libc.ts";
import {
  isInetSocket,
  ProcessHandle,
  setSocketMark,
  socketMark,
} from "../../../ffi/process_linux.ts";
import type { RecordChange } from "./changes.ts";
import { holdersOf, inodeOfOwn, type SocketDescriptor, socketsOf } from "./descriptors.ts";
import { isAlive, type ProcessName, readProcesses } from "./process_table.ts";

export interface MarkedSocket extends ProcessName {
  readonly inode: number;
  /** The mark that it had. */
  readonly before: number;
}

export interface MarkedSockets {
  readonly kind: "socket-marks";
  readonly mark: number;
  readonly sockets: readonly MarkedSocket[];
}

export interface MarkResult {
  /** How many sockets got the mark. */
  readonly marked: number;
  /** False when the processes made sockets faster than they were marked. */
  readonly complete: boolean;
  /** Why the sockets of some process could not be reached: it goes on as before until it is restarted. */
  readonly failures: readonly { readonly process: ProcessName; readonly error: SysError }[];
}

const MOST_ROUNDS = 20;
/** Copies of descriptors that are held at a time; a program may have no more than 1024 by default. */
const BATCH = 128;

/** Marks every IP socket of the processes that `find` names, until a look finds none without it. */
export function markSockets(
  find: () => readonly ProcessName[],
  mark: number,
  record: RecordChange,
): MarkResult {
  let marked = 0;
  for (let round = 0; round < MOST_ROUNDS; round++) {
    const failures: { process: ProcessName; error: SysError }[] = [];
    let fresh = 0;
    for (const process of find()) {
      try {
        fresh += markProcess(process, mark, record);
      } catch (error) {
        if (!(error instanceof SysError)) throw error;
        failures.push({ process, error });
      }
    }
    marked += fresh;
    if (fresh === 0) return { marked, complete: true, failures };
  }
  return { marked, complete: false, failures: [] };
}

/** The sockets have the marks again that they had; so have those that inherited the mark, 0. */
export function unmarkSockets({ mark, sockets }: MarkedSockets): void {
  const before = new Map(sockets.map(({ inode, before }) => [inode, before]));
  const all = readProcesses();
  const inodes = new Set(before.keys());
  const known = new Set(sockets.map(({ pid, startTime }) => `${pid} ${startTime}`));
  const recorded = all.filter(({ pid, startTime }) => known.has(`${pid} ${startTime}`));
  const others = all.filter((each) => each.pid !== Deno.pid && !recorded.includes(each));
  unmarkProcesses([...recorded, ...holdersOf(inodes, others)], mark, before);
}

/** Takes the mark from all sockets of the processes that have it. */
export function unmarkProcesses(
  processes: readonly ProcessName[],
  mark: number,
  before: ReadonlyMap<number, number> = new Map(),
): void {
  for (const process of processes) {
    withInetSockets(process, (sockets) => {
      for (const { copy, inode } of sockets) {
        if (socketMark(copy) === mark) setSocketMark(copy, before.get(inode) ?? 0);
      }
    });
  }
}

/** Takes the mark from some sockets of the processes, by their inodes. */
export function unmarkThese(
  processes: readonly ProcessName[],
  inodes: ReadonlySet<number>,
): void {
  if (inodes.size === 0) return;
  for (const process of processes) {
    withInetSockets(process, (sockets) => {
      for (const { copy, inode } of sockets) if (inodes.has(inode)) setSocketMark(copy, 0);
    });
  }
}

function markProcess(process: ProcessName, mark: number, record: RecordChange): number {
  const { pid, startTime } = process;
  let marked = 0;
  withInetSockets(process, (sockets) => {
    const fresh = sockets.map((socket) => ({ ...socket, before: socketMark(socket.copy) }))
      .filter(({ before }) => before !== mark);
    if (fresh.length === 0) return;
    const changed = fresh.map(({ inode, before }) => ({ pid, startTime, inode, before }));
    record({ kind: "socket-marks", mark, sockets: changed });
    for (const { copy } of fresh) setSocketMark(copy, mark);
    marked += fresh.length;
  });
  return marked;
}

interface CopiedSocket extends SocketDescriptor {
  readonly copy: number;
}

/** Copies of the process's IP sockets, some at a time, for the length of each call. */
function withInetSockets(
  process: ProcessName,
  body: (sockets: readonly CopiedSocket[]) => void,
): void {
  const handle = openProcess(process);
  if (handle === undefined) return;
  try {
    const descriptors = socketsOf(process.pid);
    for (let at = 0; at < descriptors.length; at += BATCH) {
      withCopies(handle, descriptors.slice(at, at + BATCH), body);
    }
  } finally {
    handle.close();
  }
}

function withCopies(
  handle: ProcessHandle,
  descriptors: readonly SocketDescriptor[],
  body: (sockets: readonly CopiedSocket[]) => void,
): void {
  const copies: CopiedSocket[] = [];
  try {
    for (const { fd } of descriptors) {
      const copy = handle.copy(fd);
      // The number may be another socket's by now, so the copy is asked.
      if (copy !== undefined) copies.push({ fd, copy, inode: inodeOfOwn(copy) });
    }
    body(copies.filter(({ copy }) => isInetSocket(copy)));
  } finally {
    copies.forEach(({ copy }) => closeFd(copy));
  }
}

/** Undefined when the process ended, and its number may be another's. */
function openProcess(process: ProcessName): ProcessHandle | undefined {
  let handle: ProcessHandle;
  try {
    handle = new ProcessHandle(process.pid);
  } catch (error) {
    if (error instanceof SysError && error.code === Errno.ESRCH) return undefined;
    throw error;
  }
  if (isAlive(process)) return handle;
  handle.close();
  return undefined;
}
