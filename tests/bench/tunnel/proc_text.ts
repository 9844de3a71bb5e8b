/** What the files of /proc say about a process. */

export interface ProcessStat {
  pid: number;
  parent: number;
  /** Belongs to the kernel: what it does is work for whoever asked. */
  kernel: boolean;
  /** CPU time of all its threads and of its children that have ended, in ticks. */
  ticks: number;
}

/** `USER_HZ`, which is the same on every machine. */
export const TICKS_PER_SECOND = 100;

const PF_KTHREAD = 0x0020_0000;

/** `/proc/PID/stat`; the name in parentheses may contain anything. */
export function parseStat(text: string): ProcessStat {
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ").map(Number);
  const [, parent, , , , , flags] = fields;
  const [user, system, childUser, childSystem] = fields.slice(11, 15);
  return {
    pid: parseInt(text),
    parent: parent!,
    kernel: (flags! & PF_KTHREAD) !== 0,
    ticks: user! + system! + childUser! + childSystem!,
  };
}

/** A number of `/proc/PID/status`; 0 where there is no such line. */
export function statusNumber(text: string, key: string): number {
  return Number(text.match(new RegExp(`^${key}:\\s+(\\d+)`, "m"))?.[1] ?? 0);
}

/** Ticks that other guests of the same host took from this machine, from `/proc/stat`. */
export function stolenTicks(text: string): number {
  return Number(text.match(/^cpu +(.*)$/m)![1]!.split(" ")[7]);
}

/** The process and all that descend from it. */
export function family(processes: Iterable<ProcessStat>, root: number): Set<number> {
  const children = Map.groupBy(processes, ({ parent }) => parent);
  const found = new Set<number>();
  const add = (pid: number) => {
    found.add(pid);
    for (const child of children.get(pid) ?? []) add(child.pid);
  };
  add(root);
  return found;
}

/** By thread: how often it has gone to sleep of its own accord. */
export type Sleeps = ReadonlyMap<number, number>;

/** How often threads were woken between two looks; one that has ended since was, at least to end. */
export function wakeupsBetween(before: Sleeps, after: Sleeps): number {
  let count = 0;
  for (const [thread, sleeps] of after) count += sleeps - (before.get(thread) ?? 0);
  for (const thread of before.keys()) if (!after.has(thread)) count++;
  return count;
}
