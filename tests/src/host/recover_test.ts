import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import type { Change } from "../../../src/host/change.ts";
import { fileChange } from "../../../src/host/changes/file_change.ts";
import { sysctlChange } from "../../../src/host/changes/sysctl_change.ts";
import { realDisk } from "../../../src/host/disk.ts";
import { realMachine } from "../../../src/host/machine.ts";
import { recoverJournals } from "../../../src/host/recover.ts";
import { FOREIGN, liveThrough } from "../../support/crash_scenario.ts";
import { FakeHost } from "../../support/fake_host.ts";
import { Crash, diskWithMounts, MortalDisk, quickDisk } from "../../support/watched_disk.ts";

const forward = (host: FakeHost) => sysctlChange(realDisk, "forward", "1", host.path("sys"))!;
const plain = (host: FakeHost) => fileChange(realDisk, host.path("etc/plain"), "ours\n");

Deno.test("recover: what a tunnel that died has left is undone, and its journal goes", async () => {
  using host = new FakeHost();
  const before = host.snapshot();
  const path = await host.orphan([forward(host), plain(host)]);
  const report = await recoverJournals(host.recovery());
  assertEquals(host.snapshot(), before);
  assertEquals(host.journalNames(), []);
  const [recovered] = report.recovered;
  assertEquals([recovered?.path, recovered?.device, recovered?.pid], [path, "ztun1234", 1234]);
  assertEquals(recovered?.commands.at(-1), "sysctl --write forward='0'");
  assertEquals(host.log.lines, recovered?.commands.map((command) => `[#] ${command}`));
});

Deno.test("recover: a tunnel that lives keeps its journal; another process with its id does not", async () => {
  using host = new FakeHost();
  await host.orphan([forward(host)]);
  host.machine.alive.set(1234, "7");
  const first = await recoverJournals(host.recovery());
  assertEquals([first.recovered, first.alive.map(({ pid }) => pid)], [[], [1234]]);
  assertEquals(host.read("sys/forward"), "1\n");
  host.machine.alive.set(1234, "later");
  await recoverJournals(host.recovery());
  assertEquals(host.read("sys/forward"), "0\n");
});

Deno.test("recover: of tunnels that were one in another, the newest goes first", async () => {
  using host = new FakeHost();
  const before = host.snapshot();
  await host.orphan([plain(host)], 99);
  await host.orphan([fileChange(realDisk, host.path("etc/plain"), "the second's\n")], 1000);
  await recoverJournals(host.recovery());
  assertEquals(host.snapshot(), before);
  assertEquals(host.log.warnings, []);
});

Deno.test("recover: what somebody has altered is left alone, said once, and given up", async () => {
  using host = new FakeHost();
  await host.orphan([forward(host), plain(host)]);
  host.write("etc/plain", FOREIGN);
  const [recovered] = (await recoverJournals(host.recovery())).recovered;
  assertEquals(host.read("etc/plain"), FOREIGN);
  assertEquals(host.read("sys/forward"), "0\n");
  assertEquals(recovered?.altered, host.log.warnings);
  assertStringIncludes(host.log.warnings[0]!, 'line 1 is "written by somebody else"');
  assertEquals(host.journalNames(), []);
  assertEquals((await recoverJournals(host.recovery())).recovered, []);
});

Deno.test("recover: after a reboot only files are undone", async () => {
  using host = new FakeHost();
  await host.orphan([forward(host), plain(host)]);
  host.machine.boot = "second";
  // The process that has the id now started at the very same tick.
  host.machine.alive.set(1234, "7");
  const [recovered] = (await recoverJournals(host.recovery())).recovered;
  assertEquals(recovered?.commands.length, 1);
  // A kernel that has just started has its own reasons for what it says.
  assertEquals(host.read("sys/forward"), "1\n");
  assertStringIncludes(host.read("etc/plain"), "what was");
  assertEquals(host.journalNames(), []);
});

Deno.test("recover: a change of an unknown kind is reported and kept, the others are undone", async () => {
  using host = new FakeHost();
  const before = host.snapshot();
  await host.orphan([forward(host), { kind: "teleport" }, plain(host)]);
  const [recovered] = (await recoverJournals(host.recovery())).recovered;
  assertEquals(recovered?.failed.map(String), [
    'Error: Cannot undo a change of kind "teleport": this version does not know it',
  ]);
  assertEquals(host.snapshot(), before);
  assertEquals(host.journalNames().length, 1);
  const [again] = (await recoverJournals(host.recovery())).recovered;
  assertEquals([again?.failed.length, again?.commands], [1, []]);
});

Deno.test("recover: a journal that cannot be understood is reported and kept", async () => {
  using host = new FakeHost();
  const path = await host.orphan([forward(host)]);
  const text = Deno.readTextFileSync(path);
  for (const broken of [text.replace('"version":1', '"version":2'), `${text}{"what":1}\n`]) {
    Deno.writeTextFileSync(path, broken);
    const { unreadable, recovered } = await recoverJournals(host.recovery());
    assertStringIncludes(String(unreadable[0]), `Cannot read the journal ${path}`);
    assertEquals(recovered, []);
    assertEquals([host.read("sys/forward"), host.journalNames().length], ["1\n", 1]);
  }
});

Deno.test("recover: a file changed twice is not given up because the later undo failed", async () => {
  using host = new FakeHost();
  const before = host.snapshot();
  const first = plain(host);
  realDisk.remove(host.path("etc/plain"));
  host.write("etc/plain", "ours\n");
  const second = fileChange(realDisk, host.path("etc/plain"), "second\n");
  await host.orphan([first, second]);
  const refusing = {
    ...realDisk,
    rename: () => {
      throw new Error("not today");
    },
  };
  const [failed] = (await recoverJournals(host.recovery(refusing))).recovered;
  assertEquals([failed?.failed.length, failed?.altered.length], [1, 1]);
  await recoverJournals(host.recovery());
  assertEquals([host.snapshot(), host.journalNames()], [before, []]);
});

Deno.test("recover: two at the same time do it once", async () => {
  using host = new FakeHost();
  const before = host.snapshot();
  await host.orphan([forward(host), plain(host)]);
  const reports = await Promise.all([
    recoverJournals(host.recovery()),
    recoverJournals(host.recovery()),
  ]);
  assertEquals(reports.flatMap(({ recovered }) => recovered).length, 1);
  assertEquals(reports.flatMap(({ unreadable }) => unreadable), []);
  assertEquals([host.snapshot(), host.journalNames()], [before, []]);
});

Deno.test("recover: a journal without a first line belongs to who is making it, or to nobody", async () => {
  using host = new FakeHost();
  Deno.mkdirSync(host.journals);
  const path = `${host.journals}/5-31.journal`;
  for (const text of ["", '{"version":1,"bo']) {
    Deno.writeTextFileSync(path, text);
    host.machine.alive.set(31, "1");
    assertEquals((await recoverJournals(host.recovery())).alive.length, 1);
    host.machine.alive.delete(31);
    assertEquals(await recoverJournals(host.recovery()), {
      recovered: [],
      alive: [],
      elsewhere: [],
      unreadable: [],
    });
    assertEquals(host.journalNames(), []);
  }
});

/** What the scenario leaves when all goes well. */
function expected(host: FakeHost, before: Record<string, string>): Record<string, string> {
  const now = host.snapshot()["etc/plain"]!;
  const isForeign = now.endsWith(new TextEncoder().encode(FOREIGN).toBase64());
  return isForeign ? { ...before, "etc/plain": now } : before;
}

const PROGRAM = new URL("../../support/crash_program.ts", import.meta.url).pathname;

/** Runs the scenario in a process that dies in front of operation `at`; true when it came to its end. */
async function killedAt(at: number): Promise<boolean> {
  const root = Deno.makeTempDirSync({ prefix: "ztun-host-" });
  const args = ["run", "-A", "--no-check", "--no-lock", "--quiet", PROGRAM, root, String(at)];
  const command = new Deno.Command(Deno.execPath(), { args, stdout: "null", stderr: "piped" });
  const { signal, success, stderr } = await command.output();
  assert(success || signal === "SIGKILL", new TextDecoder().decode(stderr));
  using host = new FakeHost(root);
  using fresh = new FakeHost();
  const disk = diskWithMounts(quickDisk);
  const recovery = { ...host.recovery(disk), machine: realMachine };
  const report = await recoverJournals(recovery);
  assertEquals([report.alive, report.unreadable], [[], []]);
  assertEquals(report.recovered.flatMap(({ failed }) => failed), []);
  assertEquals(host.snapshot(), expected(host, fresh.snapshot()), `killed at ${at}`);
  assertEquals(host.journalNames(), [], `killed at ${at}`);
  return success;
}

Deno.test("recover: SIGKILL at every single operation, then another process: as before", async () => {
  let next = 0;
  let done = false;
  async function worker(): Promise<void> {
    while (!done) if (await killedAt(next++)) done = true;
  }
  await Promise.all([worker(), worker()]);
  // Set-up, replacement and tear-down: fewer would mean that the scenario broke off.
  assert(next > 60, `${next} points`);
});

Deno.test("recover: a crash anywhere, then a crash anywhere in the recovery: as before", async () => {
  using fresh = new FakeHost();
  const before = fresh.snapshot();
  for (let first = 0;; first++) {
    let recoveryOperations = Infinity;
    let ended = false;
    // Every third point, each time others: a point of the recovery comes up with many of the first.
    for (let second = first % 3; second <= recoveryOperations; second += 3) {
      using host = new FakeHost();
      const dying = new MortalDisk(first, diskWithMounts(quickDisk));
      ended = !(await crashed(() => liveThrough(host, dying.disk, host.machine)));
      dying.closeFiles();
      host.machine.alive.clear();
      const recovering = new MortalDisk(second, diskWithMounts(quickDisk));
      await crashed(() => recoverJournals(host.recovery(recovering.disk)));
      recovering.closeFiles();
      if (!recovering.dead) recoveryOperations = recovering.operations;
      const last = await recoverJournals(host.recovery(diskWithMounts(quickDisk)));
      assertEquals([last.unreadable, last.alive], [[], []]);
      const at = `first ${first}, second ${second}`;
      assertEquals(host.snapshot(), expected(host, before), at);
      assertEquals(host.journalNames(), [], at);
    }
    if (ended) return assert(first > 60, `${first} points`);
  }
});

async function crashed(body: () => Promise<unknown>): Promise<boolean> {
  try {
    await body();
    return false;
  } catch (error) {
    for (let next: unknown = error; next instanceof Error; next = next.cause) {
      if (next instanceof Crash) return true;
    }
    throw error;
  }
}

Deno.test("recover: what was left in another network is left to those who are there", async () => {
  using host = new FakeHost();
  await host.orphan([forward(host)]);
  host.machine.here = "net:[2]";
  const report = await recoverJournals(host.recovery());
  assertEquals([report.recovered, report.elsewhere.map(({ pid }) => pid)], [[], [1234]]);
  assertEquals(host.read("sys/forward"), "1\n");
  host.machine.here = "net:[1]";
  await recoverJournals(host.recovery());
  assertEquals(host.read("sys/forward"), "0\n");
});

Deno.test("recover: a network that is no more took its settings along, but not the files", async () => {
  using host = new FakeHost();
  const before = host.snapshot();
  await host.orphan([forward(host), plain(host)]);
  host.machine.here = "net:[2]";
  host.machine.networks.clear();
  await recoverJournals(host.recovery());
  assertEquals(host.read("sys/forward"), "1\n");
  assertEquals(host.snapshot()["etc/plain"], before["etc/plain"]);
  assertEquals(host.journalNames(), []);
});

Deno.test("recover: what must stay for now stays, with its journal", async () => {
  using host = new FakeHost();
  const before = host.snapshot();
  await host.orphan([forward(host), plain(host)]);
  const keep = (change: Change) => change.kind === "sysctl";
  const { recovered } = await recoverJournals({ ...host.recovery(), keep });
  assertEquals([recovered[0]?.kept, host.read("sys/forward")], [1, "1\n"]);
  assertEquals(host.journalNames().length, 1);
  await recoverJournals(host.recovery());
  assertEquals([host.snapshot(), host.journalNames()], [before, []]);
});
