import { assert, assertEquals } from "@std/assert";
import {
  makeCgroup,
  moveBack,
  type MovedProcesses,
  moveToCgroup,
  removeCgroup,
} from "../../../../src/host/owner/cgroup_move.ts";
import type { ExemptionChange } from "../../../../src/host/owner/changes.ts";
import { readProcess, readProcesses } from "../../../../src/host/owner/process_table.ts";
import { withChildren } from "../../../../src/host/owner/family.ts";
import { TestCgroup } from "../../../support/test_cgroup.ts";
import { eventually } from "../../../support/eventually.ts";
import { Running } from "../../../support/process.ts";
import { rootTest } from "../../../support/root.ts";

/** A shell that starts a child for every line it reads, and prints its number. */
const SHELL = ["sh", "-c", "while read line; do sleep 600 & echo child $!; done"];

class Rig implements AsyncDisposable {
  readonly home = new TestCgroup();
  readonly changes: ExemptionChange[] = [];
  readonly path = `/ztun-test-${crypto.randomUUID()}`;
  readonly shell = new Running("sh", this.home.within(SHELL), { stdin: "piped" });

  get directory(): string {
    return this.home.mount + this.path;
  }

  async child(): Promise<number> {
    const seen = this.shell.log.match(/child \d+/g)?.length ?? 0;
    await this.shell.write("\n");
    const pattern = new RegExp(`(?:child \\d+\\s+){${seen}}child (\\d+)`);
    return Number((await this.shell.logged(pattern))[1]);
  }

  move(): void {
    const mount = this.home.mount;
    const record = (change: ExemptionChange) => this.changes.push(change);
    makeCgroup({ mount, path: this.path, home: this.home.path }, record);
    const find = () =>
      withChildren(readProcesses(), [readProcess(this.shell.pid)].filter((each) => !!each));
    moveToCgroup({ mount, path: this.path, mark: 4710 }, find, record);
  }

  /** From the last to the first, as data that was written down. */
  async undo(): Promise<void> {
    for (const change of JSON.parse(JSON.stringify(this.changes)).toReversed()) {
      if (change.kind === "cgroup") await removeCgroup(change);
      else moveBack(change);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.shell.kill();
    await this.undo();
    await this.home[Symbol.asyncDispose]();
  }
}

const cgroupOf = (pid: number) => readProcess(pid)?.cgroup;

rootTest(
  "processes move with their children; those born later are there too, and all go back",
  async () => {
    await using rig = new Rig();
    const early = await rig.child();
    rig.move();
    const late = await rig.child();
    const pids = [rig.shell.pid, early, late];
    assertEquals(pids.map(cgroupOf), pids.map(() => rig.path));
    await rig.undo();
    assertEquals(pids.map(cgroupOf), pids.map(() => rig.home.path));
    assertEquals(await Deno.stat(rig.directory).catch(() => "gone"), "gone");
    await rig.undo();
  },
);

rootTest("a second move has nothing to do, and records nothing", async () => {
  await using rig = new Rig();
  await rig.child();
  rig.move();
  const { length } = rig.changes;
  rig.move();
  assertEquals(rig.changes.length, length);
  assertEquals(rig.changes[0]?.kind, "cgroup");
});

rootTest("what is recorded was written down before it was done", async () => {
  await using rig = new Rig();
  await rig.child();
  const { mount, path } = rig.home;
  const record = (change: ExemptionChange) => {
    rig.changes.push(change);
    throw new Error("the disk is full");
  };
  try {
    makeCgroup({ mount, path: rig.path, home: path }, record);
  } catch {
    // As intended.
  }
  assertEquals(await Deno.stat(rig.directory).catch(() => "none"), "none");
  await rig.undo();
});

rootTest("a child whose parents ended goes to where the proxy was", async () => {
  await using rig = new Rig();
  rig.move();
  const orphan = await rig.child();
  try {
    // The orphan holds the shell's output: that it ended shows elsewhere.
    rig.shell.signal("SIGKILL");
    await eventually(
      "the shell to end",
      () => readProcess(rig.shell.pid) === undefined || undefined,
    );
    await rig.undo();
    assertEquals(cgroupOf(orphan), rig.home.path);
  } finally {
    Deno.kill(orphan, "SIGKILL");
  }
});

rootTest("when the old cgroup was removed, it is the next one above", async () => {
  await using rig = new Rig();
  rig.move();
  const change = rig.changes.find(({ kind }) => kind === "cgroup-move") as MovedProcesses;
  const moved = change.moved.map((each) => ({ ...each, from: `${rig.home.path}/gone/deeper` }));
  moveBack({ ...change, moved });
  assertEquals(cgroupOf(rig.shell.pid), rig.home.path);
});

rootTest("a number that is another process's by now stays where it is", async () => {
  await using rig = new Rig();
  rig.move();
  const change = rig.changes.find(({ kind }) => kind === "cgroup-move") as MovedProcesses;
  moveBack({ ...change, moved: change.moved.map((each) => ({ ...each, startTime: 1 })) });
  assertEquals(cgroupOf(rig.shell.pid), rig.path);
  assert(rig.shell.alive);
});
