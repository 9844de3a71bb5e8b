import { assertEquals, assertStringIncludes } from "@std/assert";
import { command } from "../../../../src/cli/commands/down.ts";
import { run } from "../../../../src/cli/commands/down_run.ts";
import { Exit } from "../../../../src/errors.ts";
import { sysctlChange } from "../../../../src/host/changes/sysctl_change.ts";
import { realDisk } from "../../../../src/host/disk.ts";
import type { FakeHost } from "../../../support/fake_host.ts";
import { CommandRig } from "../../../support/command_rig.ts";
import { sampleStatus } from "../../control/fixtures.ts";

/** The tunnel gets no time beyond its flows' when `undoing` is 0. */
function down(rig: CommandRig, args: readonly string[] = [], undoing?: number) {
  return rig.run(command, args, (input) => run(input, rig.host.recoveryHost(), undoing));
}

const forward = (host: FakeHost) => sysctlChange(realDisk, "forward", "1", host.path("sys"))!;

Deno.test("down ends every tunnel of up, and no command's", async () => {
  await using rig = new CommandRig();
  rig.endingTunnel(sampleStatus({ pid: 20 }));
  rig.tunnel(sampleStatus({ pid: 21, command: "exec" }));
  rig.endingTunnel(sampleStatus({ pid: 22, device: { name: "b", mtu: 1, offload: true } }));
  const { code, out, err } = await down(rig);
  assertEquals([code, out], [Exit.Ok, ""]);
  assertEquals(err.split("\n").sort(), [
    "",
    "b (process 22) has ended",
    "ztun0 (process 20) has ended",
  ]);
  assertEquals(rig.asked.sort(), ['20 {"do":"stop"}', '22 {"do":"stop"}']);
});

Deno.test("down --pid ends that one", async () => {
  await using rig = new CommandRig();
  rig.endingTunnel(sampleStatus({ pid: 20 }));
  rig.endingTunnel(sampleStatus({ pid: 22 }));
  assertEquals((await down(rig, ["--pid", "22"])).code, Exit.Ok);
  assertEquals(rig.asked, ['22 {"do":"stop"}']);
});

Deno.test("down --pid of a command's tunnel says how that ends", async () => {
  await using rig = new CommandRig();
  rig.tunnel(sampleStatus({ pid: 21, command: "exec" }));
  const { code, err } = await down(rig, ["--pid", "21"]);
  assertEquals(code, Exit.Failed);
  assertStringIncludes(err, "Process 21 is no tunnel of `ztun up`");
  assertStringIncludes(err, "hint: `kill 21` ends both");
});

Deno.test("down undoes what dead tunnels left, and says what", async () => {
  await using rig = new CommandRig();
  const before = rig.host.snapshot();
  await rig.host.orphan([forward(rig.host)]);
  const { code, err } = await down(rig);
  assertEquals(code, Exit.Ok);
  assertEquals(
    err,
    "ztun1234 (process 1234) had died; undone:\n  sysctl --write forward='0'\n",
  );
  assertEquals([rig.host.snapshot(), rig.host.journalNames()], [before, []]);
});

Deno.test("down: what a tunnel could not undo itself is undone once it has ended", async () => {
  await using rig = new CommandRig();
  const before = rig.host.snapshot();
  await rig.host.orphan([forward(rig.host)], 20);
  rig.endingTunnel(sampleStatus({ pid: 20 }));
  rig.host.machine.alive.set(20, "7");
  const { code, err } = await down(rig);
  assertEquals(code, Exit.Ok);
  assertStringIncludes(err, "ztun0 (process 20) has ended\nztun20 (process 20) had died; undone:");
  assertEquals(rig.host.snapshot(), before);
});

Deno.test("down -q says nothing when all is well", async () => {
  await using rig = new CommandRig();
  rig.endingTunnel(sampleStatus({ pid: 20 }));
  await rig.host.orphan([forward(rig.host)]);
  assertEquals(await down(rig, ["-q"]), { code: Exit.Ok, out: "", err: "" });
});

Deno.test("down with nothing to do exits 3", async () => {
  await using rig = new CommandRig();
  rig.tunnel(sampleStatus({ pid: 21, command: "exec" }));
  const { code, err } = await down(rig);
  assertEquals(code, Exit.NotRunning);
  assertStringIncludes(err, "error: No tunnel is running, and none has left anything behind\n");
  assertStringIncludes(err, "hint: `sudo ztun down` ends those of root\n");
});

Deno.test("down names a tunnel that does not end, and goes on with the rest", async () => {
  await using rig = new CommandRig();
  rig.tunnel(sampleStatus({ pid: 20, graceSeconds: 0 }));
  rig.endingTunnel(sampleStatus({ pid: 22 }));
  await rig.host.orphan([forward(rig.host)]);
  const { code, err } = await down(rig, [], 0);
  assertEquals(code, Exit.Failed);
  assertStringIncludes(err, "ztun0 (process 22) has ended\n");
  assertStringIncludes(err, "had died; undone:");
  assertStringIncludes(err, "error: The tunnel of process 20 was asked to end, and does not\n");
  assertStringIncludes(err, "kill -KILL 20");
});

Deno.test("down tells all that failed", async () => {
  await using rig = new CommandRig();
  rig.tunnel(sampleStatus({ pid: 20 }), () => ({ error: "Unknown request" }));
  await rig.host.orphan([{ kind: "teleport" }]);
  const { code, err } = await down(rig);
  assertEquals(code, Exit.Failed);
  assertStringIncludes(err, "error: Cannot end all tunnels and undo all that they have left\n");
  assertStringIncludes(err, "Caused by: The tunnel of process 20 did not do it: Unknown request\n");
  assertStringIncludes(err, "Caused by: Cannot undo all that tunnels have left on this host\n");
});
