/** Which process has which socket, as the links of `/proc/<pid>/fd` tell. */

export interface SocketDescriptor {
  readonly fd: number;
  readonly inode: number;
}

/** The sockets that a process has open; none when it ended, or is not ours to see. */
export function socketsOf(pid: number): SocketDescriptor[] {
  const directory = `/proc/${pid}/fd`;
  return entries(directory).flatMap((name) => {
    const inode = inodeOf(`${directory}/${name}`);
    return inode === undefined ? [] : [{ fd: Number(name), inode }];
  });
}

/** Of a descriptor of this process; 0 for what is no socket. */
export function inodeOfOwn(fd: number): number {
  return inodeOf(`/proc/self/fd/${fd}`) ?? 0;
}

/** Those of the processes that have one of the sockets open. */
export function holdersOf<T extends { readonly pid: number }>(
  inodes: ReadonlySet<number>,
  processes: readonly T[],
): T[] {
  return processes.filter(({ pid }) => socketsOf(pid).some(({ inode }) => inodes.has(inode)));
}

/** Which network namespace a process is in; undefined when that is not ours to see. */
export function networkOf(pid: number | "thread-self"): string | undefined {
  return linkOf(`/proc/${pid}/ns/net`);
}

function entries(directory: string): string[] {
  try {
    return [...Deno.readDirSync(directory)].map(({ name }) => name);
  } catch {
    return [];
  }
}

function inodeOf(path: string): number | undefined {
  const match = linkOf(path)?.match(/^socket:\[(\d+)\]$/);
  return match ? Number(match[1]) : undefined;
}

function linkOf(path: string): string | undefined {
  try {
    return Deno.readLinkSync(path);
  } catch {
    return undefined;
  }
}
