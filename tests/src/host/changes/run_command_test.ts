import { assertEquals } from "@std/assert";
import { commandRunner, runCommand } from "../../../../src/host/changes/run_command.ts";

Deno.test("a program is run to its end, with what it reads and prints", async () => {
  const script = 'cat; echo "$LC_ALL" >&2; exit 3';
  assertEquals(await runCommand(["sh", "-c", script], "input"), {
    code: 3,
    stdout: "input",
    stderr: "C\n",
  });
});

Deno.test("a program may end without reading its input", async () => {
  const input = "x".repeat(1 << 20);
  assertEquals((await runCommand(["true"], input)).code, 0);
});

Deno.test("a program that is not there is told as a shell tells it", async () => {
  const { code, stderr } = await runCommand(["ztun-no-such-program"]);
  assertEquals([code, stderr], [127, 'there is no program "ztun-no-such-program"']);
});

Deno.test("a program that takes too long is killed", async () => {
  const { code } = await commandRunner(1)(["sleep", "300"]);
  assertEquals(code, 128 + 9);
});
