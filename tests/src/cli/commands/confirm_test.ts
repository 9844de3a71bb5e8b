import { assertEquals, assertStringIncludes } from "@std/assert";
import { command } from "../../../../src/cli/commands/confirm.ts";
import { Exit } from "../../../../src/errors.ts";
import { CommandRig } from "../../../support/command_rig.ts";
import { sampleStatus } from "../../control/fixtures.ts";

Deno.test("confirm tells the tunnel that waits for it to stay, and no other", async () => {
  await using rig = new CommandRig();
  rig.tunnel(sampleStatus({ pid: 20 }));
  rig.tunnel(sampleStatus({ pid: 21, state: "unconfirmed" }));
  const { code, out, err } = await rig.run(command, []);
  assertEquals([code, out, err], [Exit.Ok, "", "ztun0 (process 21) stays\n"]);
  assertEquals(rig.asked, ['21 {"do":"confirm"}']);
  assertEquals((await rig.run(command, ["-q"])).err, "");
});

Deno.test("confirm --pid tells that one", async () => {
  await using rig = new CommandRig();
  for (const pid of [20, 21]) rig.tunnel(sampleStatus({ pid, state: "unconfirmed" }));
  assertEquals((await rig.run(command, ["--pid=21"])).code, Exit.Ok);
  assertEquals(rig.asked, ['21 {"do":"confirm"}']);
});

Deno.test("confirm without a tunnel that waits exits 3", async () => {
  await using rig = new CommandRig();
  rig.tunnel(sampleStatus({ pid: 20 }));
  const { code, err } = await rig.run(command, []);
  assertEquals([code, rig.asked], [Exit.NotRunning, []]);
  assertStringIncludes(err, "error: No tunnel waits to be confirmed\n");
  assertStringIncludes(err, "hint: `sudo ztun confirm` asks those of root\n");
});

Deno.test("confirm that comes too late says what the tunnel said", async () => {
  await using rig = new CommandRig();
  const status = sampleStatus({ pid: 21, state: "unconfirmed" });
  rig.tunnel(status, () => ({ error: "The time is over" }));
  const { code, err } = await rig.run(command, []);
  assertEquals(code, Exit.Failed);
  assertStringIncludes(err, "The tunnel of process 21 did not do it: The time is over");
});
