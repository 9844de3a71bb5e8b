import { assert, assertEquals, assertThrows } from "@std/assert";
import { UserError } from "../../../src/errors.ts";
import { parseAddress } from "../../../src/addr/address.ts";
import { ProcessException } from "../../../src/capture/process_exception.ts";
import type { ProgramWatchSystem } from "../../../src/capture/program_watch.ts";
import { markPlan } from "../../../src/host/firewall/mark_plan.ts";
import { cgroup2Of } from "../../../src/host/owner/cgroup_mount.ts";
import { type ExemptionChange, undoChange } from "../../../src/host/owner/changes.ts";
import { readProcess } from "../../../src/host/owner/process_table.ts";
import { eventually } from "../../support/eventually.ts";
import {
  asUser,
  inFirewallLab,
  routeIntoTunnel,
  TUNNEL,
  udp,
  UPLINK,
  WEB,
} from "../../support/firewall_lab.ts";
import { NamedProgram, newName } from "../../support/named_program.ts";
import { processEventsTest } from "../../support/needs_process_events.ts";
import { HeldNamespace, runHere, waitHere } from "../../support/net_namespace.ts";
import { applyTables } from "../../support/nft.ts";
import { Running } from "../../support/process.ts";
import { rootTest } from "../../support/root.ts";
import { TestCgroup } from "../../support/test_cgroup.ts";

const MARK = 0x5a55;

/** An exception for one name, and what it changed, as a journal would have it. */
class Rig implements AsyncDisposable {
  readonly name = newName();
  readonly changes: ExemptionChange[] = [];
  readonly warnings: string[] = [];
  readonly #device = newName();
  #exception: ProcessException | undefined;
  #poll = () => {};

  start(system?: ProgramWatchSystem): ProcessException {
    return this.#exception = ProcessException.start({
      names: [this.name],
      mark: MARK,
      device: this.#device,
      tunnelAddresses: [parseAddress("198.18.0.1")!],
      record: (change) => this.changes.push(JSON.parse(JSON.stringify(change))),
      log: { debug() {}, warn: (line) => this.warnings.push(line) },
    }, system);
  }

  /** Without news from the kernel: it looks when `poll` says so. */
  startPolling(): ProcessException {
    return this.start({
      openEvents() {
        throw new Error("none");
      },
      after: (_, callback) => {
        this.#poll = callback;
        return () => this.#poll = () => {};
      },
    });
  }

  poll(): void {
    this.#poll();
  }

  get path(): string {
    return `/ztun-except-${this.#device}`;
  }

  get directory(): string {
    return cgroup2Of(Deno.readTextFileSync("/proc/self/mounts"))!.mount + this.path;
  }

  isOutside(pid: number): boolean {
    return readProcess(pid)?.cgroup === this.path;
  }

  async end(): Promise<void> {
    await this.#exception?.close();
    this.#exception = undefined;
    for (const change of this.changes.toReversed()) await undoChange(change);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.end();
  }
}

/** Starts programs in a cgroup. */
function inside(home: TestCgroup): (command: string[]) => Running {
  return (command) => new Running(command[0]!, home.within(command), { stdin: "piped" });
}

const cgroupOf = (pid: number) => readProcess(pid)?.cgroup;

processEventsTest(
  "a program that runs, one that starts later and their children are outside, and go back",
  async () => {
    await using home = new TestCgroup();
    await using rig = new Rig();
    await using early = await NamedProgram.start(rig.name, inside(home));
    await using other = await NamedProgram.start(newName(), inside(home));
    await early.ask("new()");
    await other.ask("new()");
    const child = Number(await early.ask("child()"));
    const exception = rig.start();
    assertEquals(exception.cgroup, {
      path: rig.path.slice(1),
      level: 1,
      id: Deno.statSync(rig.directory).ino,
    });
    assert(rig.isOutside(early.pid) && rig.isOutside(child));

    await using late = await NamedProgram.start(rig.name, inside(home));
    await eventually("the late one to be moved", () => rig.isOutside(late.pid) || undefined);
    const lateChild = Number(await late.ask("child()"));
    assert(rig.isOutside(lateChild));
    await early.ask("new()");
    await late.ask("new()");
    assertEquals(await early.ask("marks()"), `[${MARK}, ${MARK}]`);
    assertEquals(await late.ask("marks()"), `[${MARK}]`);
    assertEquals([cgroupOf(other.pid), await other.ask("marks()")], [home.path, "[0]"]);

    await rig.end();
    const pids = [early.pid, child, late.pid, lateChild];
    assertEquals(pids.map(cgroupOf), pids.map(() => home.path));
    assertEquals(await early.ask("marks()"), "[0, 0]");
    assertEquals(await late.ask("marks()"), "[0]");
    assertEquals(await Deno.stat(rig.directory).catch(() => "gone"), "gone");
    assertEquals(rig.warnings, []);
  },
);

rootTest("where the kernel does not tell, a look finds who has started", async () => {
  await using home = new TestCgroup();
  await using rig = new Rig();
  rig.startPolling();
  await using program = await NamedProgram.start(rig.name, inside(home));
  await program.ask("new()");
  const child = Number(await program.ask("child()"));
  assertEquals([cgroupOf(program.pid), await program.ask("marks()")], [home.path, "[0]"]);
  rig.poll();
  assert(rig.isOutside(program.pid) && rig.isOutside(child));
  assertEquals(await program.ask("marks()"), `[${MARK}]`);
  const { length } = rig.changes;
  rig.poll();
  assertEquals(rig.changes.length, length);
});

rootTest("whom somebody else moves away again is left there", async () => {
  await using home = new TestCgroup();
  await using rig = new Rig();
  await using program = await NamedProgram.start(rig.name);
  rig.startPolling();
  assert(rig.isOutside(program.pid));
  await Deno.writeTextFile(`${home.directory}/cgroup.procs`, String(program.pid));
  rig.poll();
  assertEquals(cgroupOf(program.pid), home.path);
});

rootTest("a connection that a program began in the tunnel before its move is ended", async () => {
  const network = new HeldNamespace();
  const within = (command: string[]) =>
    network.enter(() => new Running(command[0]!, command, { stdin: "piped" }));
  try {
    network.enter(() => {
      runHere("ip", "link", "set", "lo", "up");
      runHere("ip", "addr", "add", "198.18.0.1/32", "dev", "lo");
    });
    const accept = `import socket
listener = socket.create_server(("127.0.0.1", 0))
print("port %d." % listener.getsockname()[1], flush=True)
kept = [listener.accept() for _ in range(2)]
print("both", flush=True)
listener.accept()`;
    await using server = within(["python3", "-c", accept]);
    const [, port] = await server.logged(/port (\d+)\./);
    await using rig = new Rig();
    network.enter(() => rig.startPolling());
    await using other = await NamedProgram.start(newName(), within);
    await using program = await NamedProgram.start(rig.name, within);
    await other.ask(`connect(${Number(port)})`);
    await program.ask(`connect(${Number(port)})`);
    await server.logged(/both/);
    rig.poll();
    assertEquals(await program.ask("receive()"), "Software caused connection abort");
    await server.kill();
    assertEquals(await other.ask("receive()"), "received 0");
  } finally {
    network.close();
  }
});

rootTest("a program of another network is let be", async () => {
  const network = new HeldNamespace();
  const within = (command: string[]) =>
    network.enter(() => new Running(command[0]!, command, { stdin: "piped" }));
  try {
    await using rig = new Rig();
    await using program = await NamedProgram.start(rig.name, within);
    rig.startPolling();
    assert(!rig.isOutside(program.pid));
  } finally {
    network.close();
  }
});

rootTest("nothing is done that cannot be recorded", async () => {
  const name = newName();
  const error = assertThrows(() =>
    ProcessException.start({
      names: [name],
      mark: MARK,
      device: name,
      tunnelAddresses: [],
      record() {
        throw new Error("the disk is full");
      },
      log: { debug() {}, warn() {} },
    }), UserError);
  assertEquals(error.message, `Cannot keep ${name} outside the tunnel`);
  const { mount } = cgroup2Of(await Deno.readTextFile("/proc/self/mounts"))!;
  assertEquals(await Deno.stat(`${mount}/ztun-except-${name}`).catch(() => "none"), "none");
});

/** Waits for a file, and sends then. */
async function startWaiting(name: string, directory: string, port: number): Promise<Deno.Command> {
  await Deno.symlink("/bin/bash", `${directory}/${name}`);
  const script = `until [ -e ${directory}/go ]; do sleep 0.05; done; ${udp(WEB, port)}`;
  const args = ["--reuid", "1000", "--clear-groups", `${directory}/${name}`, "-c", script];
  return new Deno.Command("setpriv", { args });
}

rootTest(
  "the name wins over --only-user: her programs go into the tunnel, but not this one",
  async () => {
    await using rig = new Rig();
    const directory = await Deno.makeTempDir();
    await Deno.chmod(directory, 0o755);
    const command = await startWaiting(rig.name, directory, 90);
    const children: Deno.ChildProcess[] = [];
    try {
      inFirewallLab((lab) => {
        routeIntoTunnel(String(MARK));
        const program = command.spawn();
        children.push(program);
        waitHere("the program", () => readProcess(program.pid)?.name === rig.name);
        const { cgroup } = rig.startPolling();
        applyTables(markPlan({
          device: "ztun0",
          addresses: [parseAddress(TUNNEL)!],
          mark: { value: MARK, mask: 0xffff_ffff },
          outside: { users: [], cgroups: [cgroup] },
          inside: { users: [{ from: 1000, to: 1000 }], cgroups: [] },
          forwarded: { outside: [], inside: undefined },
          servedPorts: [],
          nameServers: [],
          sources: [],
          proxies: [],
          connectionMark: { value: 0x7a740000, mask: 0xffff_ffff },
          servedUdpPorts: [],
          clientPorts: { from: 32_768, to: 60_999 },
          internal: [],
        }));
        Deno.writeTextFileSync(`${directory}/go`, "");
        lab.sh(asUser(1000, udp(WEB, 91)), asUser(1001, udp(WEB, 92)));
        lab.waitFor(`uplink ${UPLINK} ${WEB} udp 90`);
        lab.waitFor(`ztun0 ${TUNNEL} ${WEB} udp 91`);
        lab.waitFor(`uplink ${UPLINK} ${WEB} udp 92`);
      });
    } finally {
      // If it still waits.
      await Deno.writeTextFile(`${directory}/go`, "");
      for (const child of children) await child.status;
      await Deno.remove(directory, { recursive: true });
    }
  },
);
