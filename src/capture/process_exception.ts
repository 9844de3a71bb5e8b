/**
 * `--except-process NAME`: what programs of that name send stays outside the tunnel; what they have started
 * too, and those that start later.
 *
 * They are moved to a cgroup of ztun's own. Sockets that are made there are born with the mark, the
 * firewall matches the cgroup, and sockets from before are marked one by one. Every change is recorded
 * before it is made; undoing them is not done here.
 *
 * Between the start of a program and its move lie some milliseconds (up to a second where the kernel does
 * not tell of it). A socket that it makes meanwhile is marked afterwards. A connection that it begins
 * meanwhile begins in the tunnel, with an address of the tunnel's: outside it could not go on, so it is
 * ended, and the program makes another.
 *
 * The name wins over every `--only-…`: "only alice's programs, but not her browser". The firewall asks for
 * what stays outside first, and a marked socket of a user who alone goes into the tunnel keeps its mark.
 * A program that was in a cgroup named by `--only-cgroup` leaves it by its move, and is back in it when
 * all is undone. A program that `--only-…` leaves outside anyway is moved all the same; where it sends is
 * not changed by that.
 */

import { SockDiag } from "../../ffi/sock_diag_linux.ts";
import type { Address } from "../addr/address.ts";
import { UserError } from "../errors.ts";
import type { Cgroup } from "../host/firewall/cgroup.ts";
import { markOutside, markWhatIsBorn, type OutsideOptions } from "../host/owner/bring_outside.ts";
import { type Cgroup2, cgroup2Of, cgroupMatch } from "../host/owner/cgroup_mount.ts";
import { makeCgroup, membersOf, moveToCgroup } from "../host/owner/cgroup_move.ts";
import type { RecordChange } from "../host/owner/changes.ts";
import { nameProcesses } from "../host/owner/exemption.ts";
import type { MarkResult } from "../host/owner/mark_sockets.ts";
import {
  type ProcessInfo,
  type ProcessName,
  readProcess,
  readProcesses,
} from "../host/owner/process_table.ts";
import { namedProcesses, type ProcessFacts, thisHostsFacts } from "./named_processes.ts";
import { ProgramWatch, type ProgramWatchSystem, type Started } from "./program_watch.ts";

export interface ProcessExceptionOptions {
  readonly names: readonly string[];
  /** What goes by the old way carries it (SO_MARK). */
  readonly mark: number;
  /** The tunnel's; the cgroup is called after it. */
  readonly device: string;
  /** The tunnel's own addresses. */
  readonly tunnelAddresses: readonly Address[];
  readonly record: RecordChange;
  readonly log: {
    debug(message: string): void;
    warn(message: string): void;
  };
}

const NO_CGROUP_HINT =
  "Run the program as a user of its own (`sudo useradd --system apart`, then " +
  "`sudo -u apart COMMAND`), and leave that one out: `--except-user apart`";

export class ProcessException {
  /** What to match in a firewall: whoever is in it stays outside. */
  readonly cgroup: Cgroup;
  readonly #options: ProcessExceptionOptions;
  readonly #place: { readonly mount: string; readonly path: string; readonly mark: number };
  readonly #outside: OutsideOptions;
  readonly #facts: ProcessFacts = thisHostsFacts();
  readonly #watch: ProgramWatch;
  /** Who has been taken care of: whom somebody else moves away again is left there. */
  #known: ReadonlySet<string> = new Set();
  #lastFailure = "";

  /** Takes those that run out of the tunnel, in the network that this thread is in. */
  static start(options: ProcessExceptionOptions, system?: ProgramWatchSystem): ProcessException {
    const what = `Cannot keep ${options.names.join(", ")} outside the tunnel`;
    const cgroup2 = cgroup2Of(Deno.readTextFileSync("/proc/self/mounts"));
    if (!cgroup2?.writable) {
      const lack = cgroup2 === undefined ? "There is no cgroup v2 here" : "cgroup v2 is read-only";
      throw new UserError(what, { cause: new Error(lack), hint: NO_CGROUP_HINT });
    }
    try {
      return ProcessException.#begin(cgroup2, options, system);
    } catch (cause) {
      throw new UserError(what, { cause, hint: NO_CGROUP_HINT });
    }
  }

  static #begin(
    cgroup2: Cgroup2,
    options: ProcessExceptionOptions,
    system: ProgramWatchSystem | undefined,
  ): ProcessException {
    const path = `/ztun-except-${options.device}`;
    // Where orphans of programs go in the end: to no service, which would take them along when it stops.
    makeCgroup({ mount: cgroup2.mount, path, home: "/" }, options.record);
    const exception = new ProcessException(cgroup2, path, options, system);
    try {
      markWhatIsBorn(exception.#place, options);
      exception.#takeAll();
      return exception;
    } catch (error) {
      void exception.close();
      throw error;
    }
  }

  private constructor(
    cgroup2: Cgroup2,
    path: string,
    options: ProcessExceptionOptions,
    system: ProgramWatchSystem | undefined,
  ) {
    const { id, level } = cgroupMatch(cgroup2, path);
    this.cgroup = { id, level, path: path.slice(1) };
    this.#options = options;
    this.#place = { mount: cgroup2.mount, path, mark: options.mark };
    this.#outside = { ...options, diag: new SockDiag() };
    // Before the first look, so that no program starts unseen.
    const onStart = (started: Started) => this.#onStart(started);
    this.#watch = new ProgramWatch({ onStart, log: options.log }, system);
  }

  /** Those that start from now on are let be. What was recorded is to be undone after this. */
  async close(): Promise<void> {
    await this.#watch.close();
    this.#outside.diag.close();
  }

  #onStart(started: Started): void {
    try {
      // These at once: to read the table of all processes takes longer.
      if (started !== undefined && !this.#move(() => readThese(started))) return;
      this.#takeAll();
      this.#lastFailure = "";
    } catch (error) {
      this.#failed(String(error));
    }
  }

  /** All with the name, and marks what those have that are new. */
  #takeAll(): void {
    let all: readonly ProcessInfo[] = [];
    this.#move(() => all = readProcesses());
    const newcomers = () => this.#members().filter((process) => !this.#isKnown(process));
    const first = newcomers();
    if (first.length > 0) {
      this.#options.log.debug(`Outside the tunnel: ${nameProcesses(first)}`);
      this.#report(markOutside(newcomers, this.#outside).sockets);
    }
    this.#known = new Set([...this.#named(all), ...this.#members()].map(nameOf));
  }

  /** Moves those of the processes that have the name; false when there were none to move. */
  #move(read: () => readonly ProcessInfo[]): boolean {
    let moved = false;
    moveToCgroup(
      this.#place,
      () => this.#named(read()).filter((process) => !this.#isKnown(process)),
      (change) => {
        moved = true;
        this.#options.record(change);
      },
    );
    return moved;
  }

  #named(processes: readonly ProcessInfo[]): ProcessInfo[] {
    return namedProcesses(processes, this.#options.names, Deno.pid, this.#facts);
  }

  #members(): ProcessInfo[] {
    return readThese(membersOf(this.#place.mount + this.#place.path) ?? []);
  }

  #isKnown(process: ProcessName): boolean {
    return this.#known.has(nameOf(process));
  }

  #report({ complete, failures }: MarkResult): void {
    for (const { process, error } of failures) {
      const whose = `the sockets that process ${process.pid} had before cannot be reached`;
      this.#failed(`${whose}, restart it (${error.message})`);
    }
    if (!complete) this.#failed("they make sockets faster than these can be marked");
  }

  /** The same failure is told once, however often it is met. */
  #failed(reason: string): void {
    const { names, log } = this.#options;
    const failure = `Cannot keep all of ${names.join(", ")} outside the tunnel: ${reason}`;
    if (failure !== this.#lastFailure) log.warn(failure);
    this.#lastFailure = failure;
  }
}

function readThese(pids: Iterable<number>): ProcessInfo[] {
  return [...pids].map(readProcess).filter((process) => process !== undefined);
}

function nameOf({ pid, startTime }: ProcessName): string {
  return `${pid} ${startTime}`;
}
