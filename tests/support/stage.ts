/**
 * What every lab of the end-to-end tests is made of: network namespaces, a directory, and the programs
 * that run in them. Everything goes with the stage, and what a killed run left behind goes with the next.
 */

import { eventually } from "./eventually.ts";
import {
  type Finished,
  must,
  run,
  runBinary,
  Running,
  type RunOptions,
  type StartOptions,
} from "./process.ts";

let stages = 0;

export class Namespace {
  readonly name: string;

  constructor(name: string) {
    this.name = name;
  }

  /** The command, to be run in this namespace; `ip` replaces itself by it, so the pid is its own. */
  within(command: readonly string[]): string[] {
    return ["ip", "netns", "exec", this.name, ...command];
  }

  run(command: readonly string[], options?: RunOptions): Promise<Finished> {
    return run(this.within(command), options);
  }

  /** As `run`, for output that is not text. */
  runBinary(command: readonly string[], options?: RunOptions): ReturnType<typeof runBinary> {
    return runBinary(this.within(command), options);
  }

  must(command: readonly string[], options?: RunOptions): Promise<string> {
    return must(this.within(command), options);
  }

  /** `ip` with these arguments; each line is a command of its own. */
  async ip(...lines: string[]): Promise<void> {
    await must(["ip", "-netns", this.name, "-batch", "-"], { input: lines.join("\n") + "\n" });
  }

  /** Whether a TCP server answers. */
  async connects(host: string, port: number): Promise<boolean> {
    const { code } = await this.run(["nc.openbsd", "-z", "-w", "1", host, String(port)]);
    return code === 0;
  }

  /** A kernel setting of this namespace, written with dots. */
  async sysctl(name: string, value: string | number): Promise<void> {
    await this.must(["sh", "-c", `echo ${value} > /proc/sys/${name.replaceAll(".", "/")}`]);
  }

  /** Addresses, links and routes of both families, to be compared. */
  async picture(): Promise<string> {
    const parts = [["-o", "link"], ["-o", "addr"], ["-4", "route", "show", "table", "all"], [
      "-6",
      "route",
      "show",
      "table",
      "all",
    ], ["rule"]];
    const shown = await Promise.all(
      parts.map((part) => must(["ip", "-netns", this.name, ...part])),
    );
    return shown.join("");
  }
}

export abstract class Stage implements AsyncDisposable {
  /** In memory where that has room, so that no disk slows a transfer; removed with the stage. */
  readonly directory: string;
  /** Where the servers are. */
  abstract readonly server: Namespace;
  readonly #id = `ztun-${Deno.pid}-${stages++}`;
  readonly #namespaces: Namespace[] = [];
  readonly #running: Running[] = [];
  readonly #last: (() => Promise<void>)[] = [];

  protected constructor() {
    this.directory = Deno.makeTempDirSync({ dir: roomyDirectory(), prefix: `${this.#id}-` });
  }

  /** Builds a stage that has just been made, or removes what there is of it. */
  protected static async raise<S extends Stage>(stage: S): Promise<S> {
    if (stage.#id.endsWith("-0")) await sweep();
    try {
      // Services drop their privileges: they must still reach their files.
      await Deno.chmod(stage.directory, 0o755);
      await stage.build();
      return stage;
    } catch (error) {
      await stage[Symbol.asyncDispose]();
      throw error;
    }
  }

  protected abstract build(): Promise<void>;

  /** The name of one of this stage's namespaces. */
  nameOf(part: string): string {
    return `${this.#id}-${part}`;
  }

  /** Makes the namespace, which goes with the stage. */
  async add(namespace: Namespace): Promise<void> {
    await must(["ip", "netns", "add", namespace.name]);
    this.#namespaces.push(namespace);
    // No addresses that come of themselves and change while a test compares.
    await must(
      new Namespace(namespace.name).within(["sh", "-c", QUIET_ADDRESSES]),
    );
    await namespace.ip("link set lo up");
  }

  /** Starts a program that ends with the stage, and whose log is shown when the test fails. */
  start(
    name: string,
    where: Namespace,
    command: readonly string[],
    options?: StartOptions,
  ): Running {
    return this.keep(new Running(name, where.within(command), options));
  }

  /** Ends this program with the stage, too. */
  keep(running: Running): Running {
    this.#running.push(running);
    return running;
  }

  /** Starts a TCP server, and waits until it takes connections. */
  async serve(
    name: string,
    command: readonly string[],
    host: string,
    port: number,
    where: Namespace = this.server,
  ): Promise<Running> {
    const running = this.start(name, where, command);
    const answer = await eventually(
      `${name} to listen on ${host} port ${port}`,
      async (): Promise<"yes" | "ended" | undefined> => {
        if (!running.alive) return "ended";
        return await where.connects(host, port) ? "yes" : undefined;
      },
    );
    if (answer === "ended") throw new Error(`${name} ended early: ${running.log}`);
    return running;
  }

  /** Runs when the stage goes, before the namespaces do. */
  atEnd(work: () => Promise<void>): void {
    this.#last.push(work);
  }

  /** What every program printed. */
  logs(): string {
    return this.#running
      .map(({ name, pid, log, alive }) =>
        `--- ${name} (pid ${pid}${alive ? "" : ", ended"})\n${log}`
      )
      .join("\n");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const work of this.#last.reverse()) await work();
    for (const running of this.#running.toReversed()) await running.end();
    // Children that are in nobody's group any more hold on to the output of those that forked them.
    for (const { name } of this.#namespaces) await killAllIn(name);
    for (const running of this.#running) await running[Symbol.asyncDispose]();
    for (const { name } of this.#namespaces) await run(["ip", "netns", "del", name]);
    await Deno.remove(this.directory, { recursive: true });
  }
}

const QUIET_ADDRESSES = `cd /proc/sys/net/ipv6/conf/default
echo 0 > accept_dad
echo 1 > addr_gen_mode`;

/** Removes what a test run that was killed left behind: stages whose process is gone. */
export async function sweep(): Promise<void> {
  const dead = (name: string) => {
    const pid = name.match(/^ztun-(\d+)-/)?.[1];
    return pid !== undefined && !exists(`/proc/${pid}`);
  };
  const namespaces = (await must(["ip", "netns", "list"])).split("\n").map((line) =>
    line.split(" ")[0]!
  );
  for (const name of namespaces.filter(dead)) {
    await killAllIn(name);
    await run(["ip", "netns", "del", name]);
  }
  const parent = roomyDirectory();
  for (const { name } of Deno.readDirSync(parent)) {
    if (dead(name)) await Deno.remove(`${parent}/${name}`, { recursive: true });
  }
}

function exists(path: string): boolean {
  try {
    Deno.statSync(path);
    return true;
  } catch {
    return false;
  }
}

/** A container may have given shared memory no more than 64 MiB; a test needs up to 3 GiB. */
export function roomyDirectory(): string {
  const { stdout } = new Deno.Command("df", { args: ["-B1", "--output=avail", "/dev/shm"] })
    .outputSync();
  const free = Number(new TextDecoder().decode(stdout).split("\n")[1]);
  return free > 4 * 2 ** 30 ? "/dev/shm" : Deno.env.get("TMPDIR") ?? "/tmp";
}

/** Children that outlived their parent; only what runs in this namespace, which is the test's own. */
export async function killAllIn(namespace: string): Promise<void> {
  const { stdout } = await run(["ip", "netns", "pids", namespace]);
  for (const pid of stdout.split(/\s+/).filter((text) => text !== "").map(Number)) {
    try {
      Deno.kill(pid, "SIGKILL");
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  }
}
