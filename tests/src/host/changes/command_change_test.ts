import { assertEquals, assertRejects } from "@std/assert";
import { UserError } from "../../../../src/errors.ts";
import { type CommandChange, commandKind } from "../../../../src/host/changes/command_change.ts";
import type { CommandResult } from "../../../../src/host/changes/run_command.ts";

const change: CommandChange = {
  kind: "command",
  what: "tell the program",
  command: ["program", "-a", "ztun0 x"],
  input: "a\nb\n",
  undo: ["program", "-d", "ztun0"],
  check: { command: ["program", "-l"], pattern: "^ztun0$" },
  outlivesBoot: false,
};

/** A program that gives these results one after the other. */
function program(...results: Partial<CommandResult>[]) {
  const calls: string[] = [];
  const kind = commandKind((command, input) => {
    calls.push([...command, ...input === undefined ? [] : [`<${input}`]].join(" "));
    return Promise.resolve({ code: 0, stdout: "", stderr: "", ...results.shift() });
  });
  return { kind, calls };
}

Deno.test("command: the program is told, asked, and told to forget", async () => {
  const { kind, calls } = program({}, { stdout: "eth0\nztun0\n" }, { stdout: "ztun01\n" }, {
    code: 1,
    stdout: "ztun0",
  }, {});
  await kind.apply(change);
  assertEquals(await kind.state(change), "present");
  assertEquals(await kind.state(change), "absent");
  assertEquals(await kind.state(change), "absent");
  await kind.undo(change);
  assertEquals(calls, [
    "program -a ztun0 x <a\nb\n",
    ...Array(3).fill("program -l"),
    "program -d ztun0",
  ]);
});

Deno.test("command: without a check it is there, and without an undo there is nothing to undo", async () => {
  const { kind, calls } = program();
  const { check: _check, ...unchecked } = change;
  const { undo: _undo, ...withoutUndo } = change;
  const { command: _command, input: _input, ...undoOnly } = unchecked;
  assertEquals(await kind.state(unchecked), "present");
  assertEquals(await kind.state(withoutUndo), "absent");
  await kind.apply(undoOnly);
  assertEquals([kind.command(undoOnly), calls], ["", []]);
});

Deno.test("command: what the program had to say is told", async () => {
  const { kind } = program({ code: 3, stderr: "warning\nno such device\n" }, {
    code: 1,
    stdout: "said on stdout",
  }, { code: 9 });
  const messages = [
    "`program -a 'ztun0 x'` ended with 3: no such device",
    "`program -a 'ztun0 x'` ended with 1: said on stdout",
    "`program -a 'ztun0 x'` ended with 9",
  ];
  for (const message of messages) {
    const error = await assertRejects(async () => await kind.apply(change), UserError);
    assertEquals(error.message, message);
  }
});

Deno.test("command: it is shown as a shell takes it", () => {
  const { kind } = program();
  assertEquals(kind.command(change), "printf '%s\\n' a b | program -a 'ztun0 x'");
  assertEquals(kind.undoCommand(change), "program -d ztun0");
  assertEquals([kind.what(change), kind.outlivesBoot(change)], ["tell the program", false]);
});
