import { assertEquals, assertStringIncludes } from "@std/assert";
import { command } from "../../../../src/cli/commands/cleanup.ts";
import { run } from "../../../../src/cli/commands/cleanup_run.ts";
import { Exit } from "../../../../src/errors.ts";
import { fileChange } from "../../../../src/host/changes/file_change.ts";
import { sysctlChange } from "../../../../src/host/changes/sysctl_change.ts";
import { realDisk } from "../../../../src/host/disk.ts";
import { CommandRig } from "../../../support/command_rig.ts";
import type { FakeHost } from "../../../support/fake_host.ts";
import { sampleStatus } from "../../control/fixtures.ts";

function cleanup(rig: CommandRig, ...args: string[]) {
  return rig.run(command, args, (input) => run(input, rig.host.recoveryHost()));
}

const forward = (host: FakeHost) => sysctlChange(realDisk, "forward", "1", host.path("sys"))!;

Deno.test("cleanup undoes what dead tunnels left, and leaves the living alone", async () => {
  await using rig = new CommandRig();
  await rig.host.orphan([forward(rig.host)], 99);
  const filter = sysctlChange(realDisk, "filter", "2", rig.host.path("sys"))!;
  await rig.host.orphan([filter], 20);
  rig.tunnel(sampleStatus({ pid: 20 }));
  rig.host.machine.alive.set(20, "7");
  const { code, out, err } = await cleanup(rig);
  assertEquals([code, out], [Exit.Ok, ""]);
  assertEquals(err.split("\n"), [
    "ztun99 (process 99) had died; undone:",
    "  sysctl --write forward='0'",
    "ztun20 (process 20) is running, and was left alone",
    "",
  ]);
  assertEquals([rig.host.read("sys/forward"), rig.host.read("sys/filter")], ["0\n", "2\n"]);
  assertEquals(rig.asked, []);
});

Deno.test("cleanup with nothing to do says so, and exits 0", async () => {
  await using rig = new CommandRig();
  assertEquals(await cleanup(rig), { code: Exit.Ok, out: "", err: "Nothing was left behind\n" });
  assertEquals((await cleanup(rig, "-q")).err, "");
});

Deno.test("cleanup of changes that are gone already says so", async () => {
  await using rig = new CommandRig();
  await rig.host.orphan([forward(rig.host)], 99);
  rig.host.write("sys/forward", "0\n");
  assertEquals(
    (await cleanup(rig)).err,
    "ztun99 (process 99) had died; there was nothing to undo\n",
  );
});

Deno.test("cleanup warns of what somebody else has altered, and exits 0", async () => {
  await using rig = new CommandRig();
  await rig.host.orphan([fileChange(realDisk, rig.host.path("etc/plain"), "ours\n")]);
  rig.host.write("etc/plain", "theirs\n");
  const { code, err } = await cleanup(rig);
  assertEquals(code, Exit.Ok);
  assertStringIncludes(err, 'warning: Did not undo "write ');
  assertEquals(rig.host.read("etc/plain"), "theirs\n");
});

Deno.test("cleanup that cannot undo everything, or read a journal, exits 1", async () => {
  await using rig = new CommandRig();
  const path = await rig.host.orphan([{ kind: "teleport" }, forward(rig.host)], 99);
  const { code, err } = await cleanup(rig, "-q");
  assertEquals(code, Exit.Failed);
  assertStringIncludes(err, "error: Cannot undo all that tunnels have left on this host\n");
  assertStringIncludes(err, 'Caused by: Cannot undo a change of kind "teleport"');
  assertEquals(rig.host.read("sys/forward"), "0\n");
  Deno.writeTextFileSync(path, "what?\n");
  const unreadable = await cleanup(rig, "-q");
  assertEquals(unreadable.code, Exit.Failed);
  assertStringIncludes(unreadable.err, `Caused by: Cannot read the journal ${path}`);
  assertStringIncludes(unreadable.err, `\`cat ${path}\``);
});
