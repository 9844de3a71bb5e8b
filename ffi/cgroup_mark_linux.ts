/**
 * A mark for every IP socket that is made in a cgroup: a three-line eBPF program that the kernel runs at
 * `socket()`, on the cgroup and all below it.
 *
 * The socket has its mark before it looks for a route. A firewall rule marks packets instead, when the
 * route, and with it the source address, was already chosen. Takes Linux 4.15 and CONFIG_CGROUP_BPF. The
 * program outlives this process; it goes with the cgroup, or when it is taken away by whoever knows the
 * cgroup and the mark.
 */

import { bpf, exit, loadProgram, type Program, set, store32 } from "./bpf_linux.ts";
import { check, cString, Errno, errno, libc, SysError } from "./libc.ts";
import { Memory } from "./memory.ts";

const O_RDONLY_DIRECTORY_CLOEXEC = 0o2000000 | (Deno.build.arch === "x86_64" ? 0o200000 : 0o40000);
const BPF_PROG_ATTACH = 8;
const BPF_PROG_DETACH = 9;
const BPF_PROG_GET_FD_BY_ID = 13;
const BPF_OBJ_GET_INFO_BY_FD = 15;
const BPF_PROG_QUERY = 16;
const PROG_TYPE_CGROUP_SOCK = 9;
const CGROUP_INET_SOCK_CREATE = 2;
const ALLOW_MULTI = 2;
/** In `struct bpf_sock`, which register 1 points to. */
const SOCK_MARK = 16;
/** In `struct bpf_prog_info`: a hash of the instructions. */
const INFO_TAG = 8;
const INFO_SIZE = 64;
/** The kernel attaches at most so many to one cgroup. */
const MOST_PROGRAMS = 64;

/** Sockets made in the cgroup at `directory` carry the mark from now on. Once more changes nothing. */
export function attachCgroupMark(directory: string, mark: number): void {
  withPrograms(directory, mark, (cgroup, program, attached) => {
    if (attached.length > 0) return;
    const values = [cgroup, program, CGROUP_INET_SOCK_CREATE, ALLOW_MULTI];
    change("BPF_PROG_ATTACH", BPF_PROG_ATTACH, values);
  });
}

/** Takes it away, whoever attached it; without one, or without the cgroup, there is nothing to do. */
export function detachCgroupMark(directory: string, mark: number): void {
  try {
    withPrograms(directory, mark, (cgroup, _, attached) => {
      for (const program of attached) {
        change("BPF_PROG_DETACH", BPF_PROG_DETACH, [cgroup, program, CGROUP_INET_SOCK_CREATE]);
      }
    });
  } catch (error) {
    if (!(error instanceof SysError && error.code === Errno.ENOENT)) throw error;
  }
}

export function hasCgroupMark(directory: string, mark: number): boolean {
  return withPrograms(directory, mark, (_, __, attached) => attached.length > 0);
}

type WithPrograms<T> = (cgroup: number, program: number, attached: readonly number[]) => T;

/** The program, and those attached that are the same. Descriptors are closed afterwards. */
function withPrograms<T>(directory: string, mark: number, body: WithPrograms<T>): T {
  const path = cString(directory);
  const open: number[] = [];
  const keep = (fd: number) => {
    open.push(fd);
    return fd;
  };
  try {
    const cgroup = keep(check(`open ${directory}`, libc().open(path, O_RDONLY_DIRECTORY_CLOEXEC)));
    const program = keep(loadProgram(PROG_TYPE_CGROUP_SOCK, marking(mark)));
    const tag = tagOf(program);
    const attached = attachedTo(cgroup).map(keep);
    return body(cgroup, program, attached.filter((each) => tagOf(each) === tag));
  } finally {
    open.forEach((fd) => libc().close(fd));
  }
}

function marking(mark: number): Program {
  return [set(2, mark | 0), store32(1, SOCK_MARK, 2), set(0, 1), exit];
}

function attachedTo(cgroup: number): number[] {
  const memory = new Memory(MOST_PROGRAMS * 4);
  try {
    const attributes = new Uint32Array(32);
    attributes[0] = cgroup;
    attributes[1] = CGROUP_INET_SOCK_CREATE;
    memory.writeAddress(attributes, 4, 0);
    attributes[6] = MOST_PROGRAMS;
    check("BPF_PROG_QUERY", bpf(BPF_PROG_QUERY, bytesOf(attributes), 28));
    const ids = new Uint32Array(memory.bytes.buffer, 0, attributes[6]);
    return [...ids].map(openProgram).filter((fd) => fd !== undefined);
  } finally {
    memory.free();
  }
}

/** Undefined when it went away in the meantime. */
function openProgram(id: number): number | undefined {
  const attributes = new Uint32Array(32);
  attributes[0] = id;
  const fd = bpf(BPF_PROG_GET_FD_BY_ID, bytesOf(attributes), 12);
  if (fd >= 0) return fd;
  const code = errno();
  // It has been taken away since it was listed. Anything else must not look as if it were not there.
  if (code === Errno.ENOENT) return undefined;
  throw new SysError("BPF_PROG_GET_FD_BY_ID", code);
}

function tagOf(program: number): string {
  const memory = new Memory(INFO_SIZE);
  try {
    const attributes = new Uint32Array(32);
    attributes[0] = program;
    attributes[1] = INFO_SIZE;
    memory.writeAddress(attributes, 2, 0);
    check("BPF_OBJ_GET_INFO_BY_FD", bpf(BPF_OBJ_GET_INFO_BY_FD, bytesOf(attributes), 16));
    return memory.bytes.slice(INFO_TAG, INFO_TAG + 8).toHex();
  } finally {
    memory.free();
  }
}

function change(call: string, command: number, values: readonly number[]): void {
  const attributes = new Uint32Array(32);
  attributes.set(values);
  check(call, bpf(command, bytesOf(attributes), 16));
}

function bytesOf(words: Uint32Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  return new Uint8Array(words.buffer);
}
