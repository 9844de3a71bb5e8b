/** CPU time, memory and wake-ups of processes, as the kernel counts them. */

import {
  family,
  parseStat,
  type ProcessStat,
  type Sleeps,
  statusNumber,
  stolenTicks,
  TICKS_PER_SECOND,
} from "./proc_text.ts";

const SAMPLE_MS = 50;
const MIB = 1024;

/** A process with its descendants, as they are when it is made. */
export class ProcessTree {
  readonly #root: number;
  readonly #pids: readonly number[];

  constructor(root: number) {
    this.#root = root;
    this.#pids = [...family(processes(), root)];
  }

  /** CPU time of all threads, children that have ended among them. */
  cpuSeconds(): number {
    const all = processes();
    const ours = family(all, this.#root);
    const ticks = all.filter(({ pid }) => ours.has(pid)).reduce((sum, stat) => sum + stat.ticks, 0);
    return ticks / TICKS_PER_SECOND;
  }

  residentMib(): number {
    return this.#sum((pid) => statusNumber(readOrEmpty(`/proc/${pid}/status`), "VmRSS")) / MIB;
  }

  /** How often each thread has gone to sleep, and so been woken. */
  sleeps(): Sleeps {
    const entries = this.#pids.flatMap((pid) =>
      threads(pid).map((thread) => {
        const status = readOrEmpty(`/proc/${pid}/task/${thread}/status`);
        return [Number(thread), statusNumber(status, "voluntary_ctxt_switches")] as const;
      })
    );
    return new Map(entries);
  }

  /** Runs `work`, and gives the most memory that was seen meanwhile. */
  async peakDuring(work: () => Promise<void>): Promise<number> {
    let peak = this.residentMib();
    const look = () => peak = Math.max(peak, this.residentMib());
    const timer = setInterval(look, SAMPLE_MS);
    try {
      await work();
    } finally {
      clearInterval(timer);
    }
    look();
    return peak;
  }

  #sum(of: (pid: number) => number): number {
    return this.#pids.reduce((sum, pid) => sum + of(pid), 0);
  }
}

/** CPU time of everybody else: of what is neither this process, nor its descendant, nor the kernel's. */
export function foreignCpuSeconds(): number {
  const all = processes();
  const ours = family(all, Deno.pid);
  const others = all.filter(({ pid, kernel }) => !kernel && !ours.has(pid));
  // What has ended counts on: with its parent.
  const ticks = others.reduce((sum, stat) => sum + stat.ticks, 0);
  return (ticks + stolenTicks(Deno.readTextFileSync("/proc/stat"))) / TICKS_PER_SECOND;
}

/** Kills whatever descends from this process. */
export function killDescendants(): void {
  const ours = family(processes(), Deno.pid);
  ours.delete(Deno.pid);
  for (const pid of ours) kill(pid);
}

function kill(pid: number): void {
  try {
    Deno.kill(pid, "SIGKILL");
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}

function processes(): ProcessStat[] {
  const found: ProcessStat[] = [];
  for (const { name } of Deno.readDirSync("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    const text = readOrEmpty(`/proc/${name}/stat`);
    if (text !== "") found.push(parseStat(text));
  }
  return found;
}

function threads(pid: number): string[] {
  try {
    return [...Deno.readDirSync(`/proc/${pid}/task`)].map(({ name }) => name);
  } catch {
    return [];
  }
}

/** A process may end between being listed and being read. */
function readOrEmpty(path: string): string {
  try {
    return Deno.readTextFileSync(path);
  } catch {
    return "";
  }
}
