/**
 * Which run of which kernel this is, in which network, and which processes live: what tells an orphan from
 * a tunnel.
 */

export interface Machine {
  readonly pid: number;
  readonly uid: number | null;
  now(): number;
  /** Another one after every boot. */
  bootId(): string;
  /** When the process started, in the kernel's own count; undefined when it does not live. */
  startTime(pid: number): string | undefined;
  /** The network namespace that this is in. */
  network(): string;
  /** Whether such a namespace is still there, for somebody. */
  networkLives(network: string): boolean;
}

/** Where programs keep namespaces that no process is in. */
const NAMED_NETWORKS = ["/run/netns", "/run/docker/netns"];

export const realMachine: Machine = {
  pid: Deno.pid,
  uid: Deno.uid(),
  now: () => Date.now(),
  bootId: () => Deno.readTextFileSync("/proc/sys/kernel/random/boot_id").trim(),
  startTime(pid) {
    try {
      return parseStartTime(Deno.readTextFileSync(`/proc/${pid}/stat`));
    } catch {
      return undefined;
    }
  },
  network: () => Deno.readLinkSync("/proc/thread-self/ns/net"),
  networkLives: (network) =>
    names("/proc").some((pid) => /^[0-9]+$/.test(pid) && networkOf(pid) === network) ||
    NAMED_NETWORKS.some((directory) =>
      names(directory).some((name) => `net:[${inodeOf(`${directory}/${name}`)}]` === network)
    ),
};

function names(directory: string): string[] {
  try {
    return [...Deno.readDirSync(directory)].map(({ name }) => name);
  } catch {
    return [];
  }
}

function networkOf(pid: string): string | undefined {
  try {
    return Deno.readLinkSync(`/proc/${pid}/ns/net`);
  } catch {
    return undefined;
  }
}

function inodeOf(path: string): number | undefined {
  try {
    return Deno.statSync(path).ino ?? undefined;
  } catch {
    return undefined;
  }
}

/**
 * Field 22 of /proc/PID/stat. The name in field 2 may hold anything, so fields count from its end.
 * A process that was killed, and that its parent has not asked about, is still listed: as `Z`.
 */
export function parseStartTime(stat: string): string | undefined {
  const [state, ...fields] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return state === "Z" || state === "X" ? undefined : fields[18];
}
