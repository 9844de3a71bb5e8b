/**
 * The processes of this host, as `/proc` shows them: one look, plain data.
 *
 * A number is given to another process sooner or later; number and start time together are one process.
 */

export interface ProcessName {
  readonly pid: number;
  /** In clock ticks since the system started. */
  readonly startTime: number;
}

export interface ProcessInfo extends ProcessName {
  readonly name: string;
  readonly parent: number;
  /** Real, effective, saved and file system user. */
  readonly uids: readonly number[];
  /** Path in cgroup v2; empty where there is none. */
  readonly cgroup: string;
  /** It leads a session on a terminal: what a person who logs in, or opens a window, gets. */
  readonly leadsTerminal: boolean;
}

/** All that live; zombies and those that end while we look are left out. */
export function readProcesses(): ProcessInfo[] {
  const processes: ProcessInfo[] = [];
  for (const { name } of Deno.readDirSync("/proc")) {
    const process = /^\d+$/.test(name) ? readProcess(Number(name)) : undefined;
    if (process !== undefined) processes.push(process);
  }
  return processes;
}

/** The process of that number; undefined when there is none, or only what its parent has not reaped. */
export function readProcess(pid: number): ProcessInfo | undefined {
  const [stat, status, cgroup] = ["stat", "status", "cgroup"].map((file) =>
    readOrUndefined(`/proc/${pid}/${file}`)
  );
  if (stat === undefined || status === undefined) return undefined;
  return parseProcess(pid, stat, status, cgroup ?? "");
}

/** Whether the very process still lives. */
export function isAlive({ pid, startTime }: ProcessName): boolean {
  return readProcess(pid)?.startTime === startTime;
}

export function parseProcess(
  pid: number,
  stat: string,
  status: string,
  cgroup: string,
): ProcessInfo | undefined {
  // The name stands in parentheses, and may have some itself, and blanks.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const [state, parent, , session, terminal] = fields;
  if (state === undefined || "ZXx".includes(state)) return undefined;
  const uids = status.match(/^Uid:\s+(.*)$/m)?.[1]?.split(/\s+/).map(Number);
  if (uids === undefined) return undefined;
  return {
    pid,
    startTime: Number(fields[19]),
    name: stat.slice(stat.indexOf("(") + 1, stat.lastIndexOf(")")),
    parent: Number(parent),
    uids,
    cgroup: cgroup.match(/^0::(.*)$/m)?.[1]?.replace(/ \(deleted\)$/, "") ?? "",
    leadsTerminal: Number(session) === pid && terminal !== "0",
  };
}

/** A file of `/proc`; undefined when its process ended, or is not ours to see. */
export function readOrUndefined(path: string): string | undefined {
  try {
    return Deno.readTextFileSync(path);
  } catch {
    return undefined;
  }
}
