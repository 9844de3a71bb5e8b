/**
 * The network that the end-to-end tests run in: two namespaces joined by a veth pair.
 *
 *     client (A)                                server (B)
 *     the program under test, its clients       SOCKS5 servers on 10.99.0.2, fd99::2
 *     10.99.0.1, fd99::1  ── veth ───────────── destinations on the loopback device: WEB, WEB6 …
 *
 * A has no route to the destinations but the one that a test gives it. Nothing outside the namespaces is
 * touched, and everything goes with them.
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

export const PROXY = "10.99.0.2";
export const PROXY6 = "fd99::2";
export const PROXY_PORT = 1080;

/** Destinations: documentation addresses, which exist on the loopback device of the server side. */
export const WEB = "203.0.113.10";
export const WEB6 = "2001:db8:10::10";
export const NAMES = "198.51.100.20";
export const NAMES6 = "2001:db8:20::53";
/** Routed through the tunnel; nobody has them. */
export const ABSENT = "203.0.113.99";
export const UNREACHABLE = "198.51.100.66";
export const ABSENT6 = "2001:db8:99::99";
export const UNREACHABLE6 = "2001:db8:66::66";
export const DESTINATIONS = ["203.0.113.0/24", "198.51.100.0/24", "2001:db8::/32"] as const;

const LOOPBACK = [WEB, WEB6, NAMES, NAMES6] as const;

let labs = 0;

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

export class Lab implements AsyncDisposable {
  readonly client: Namespace;
  readonly server: Namespace;
  /** In memory where that has room, so that no disk slows a transfer; removed with the lab. */
  readonly directory: string;
  readonly #running: Running[] = [];
  readonly #last: (() => Promise<void>)[] = [];

  private constructor(id: string) {
    this.client = new Namespace(`ztun-${id}-a`);
    this.server = new Namespace(`ztun-${id}-b`);
    this.directory = Deno.makeTempDirSync({ dir: roomyDirectory(), prefix: `ztun-${id}-` });
  }

  static async create(): Promise<Lab> {
    if (labs === 0) await sweep();
    const lab = new Lab(`${Deno.pid}-${labs++}`);
    try {
      await lab.#build();
      return lab;
    } catch (error) {
      await lab[Symbol.asyncDispose]();
      throw error;
    }
  }

  async #build(): Promise<void> {
    // Services drop their privileges: they must still reach their files.
    await Deno.chmod(this.directory, 0o755);
    const { client, server } = this;
    for (const namespace of [client, server]) {
      await must(["ip", "netns", "add", namespace.name]);
      // No addresses that come of themselves and change while a test compares.
      await namespace.sysctl("net.ipv6.conf.default.accept_dad", 0);
      await namespace.sysctl("net.ipv6.conf.default.addr_gen_mode", 1);
    }
    await client.ip(
      "link set lo up",
      `link add uplink type veth peer name uplink netns ${server.name}`,
      "addr add 10.99.0.1/24 dev uplink",
      "addr add fd99::1/64 dev uplink nodad",
      "link set uplink up",
    );
    await server.ip(
      "link set lo up",
      `addr add ${PROXY}/24 dev uplink`,
      `addr add ${PROXY6}/64 dev uplink nodad`,
      "link set uplink up",
      ...LOOPBACK.map((address) =>
        `addr add ${address} dev lo ${address.includes(":") ? "nodad" : ""}`
      ),
      // A network of which no host answers: the router finds that out, and says so.
      "link add stub type veth peer name stub-end",
      "link set stub up",
      "link set stub-end up",
      `route add ${UNREACHABLE}/32 dev stub`,
      `route add ${UNREACHABLE6}/128 dev stub`,
    );
    for (const family of ["ipv4", "ipv6"]) {
      await server.sysctl(`net.${family}.neigh.stub.retrans_time_ms`, 50);
    }
  }

  /** Starts a program that ends with the lab, and whose log is shown when the test fails. */
  start(
    name: string,
    where: Namespace,
    command: readonly string[],
    options?: StartOptions,
  ): Running {
    const running = new Running(name, where.within(command), options);
    this.#running.push(running);
    return running;
  }

  /** Starts a TCP server, and waits until it takes connections. */
  async serve(
    name: string,
    command: readonly string[],
    host: string,
    port: number,
  ): Promise<Running> {
    const running = this.start(name, this.server, command);
    const answer = await eventually(
      `${name} to listen on ${host} port ${port}`,
      async (): Promise<"yes" | "ended" | undefined> => {
        if (!running.alive) return "ended";
        return await this.server.connects(host, port) ? "yes" : undefined;
      },
    );
    if (answer === "ended") throw new Error(`${name} ended early: ${running.log}`);
    return running;
  }

  /** Runs when the lab goes, before the namespaces do. */
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
    for (const running of this.#running.toReversed()) await running[Symbol.asyncDispose]();
    for (const { name } of [this.client, this.server]) {
      await killAllIn(name);
      await run(["ip", "netns", "del", name]);
    }
    await Deno.remove(this.directory, { recursive: true });
  }
}

/** Removes what a test run that was killed left behind: labs whose process is gone. */
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
