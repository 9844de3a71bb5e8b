import { assert, assertEquals } from "@std/assert";
import { commands } from "../../../src/cli/commands.ts";
import type { Command } from "../../../src/cli/command.ts";
import { type Flag, flagsOf, readsSettings } from "../../../src/cli/flags.ts";

function commandWith(changes: Partial<Command>): Command {
  return {
    name: "probe",
    summary: "",
    usage: [],
    settings: [],
    flags: [],
    positionals: [],
    examples: [],
    run: () => Promise.resolve(0),
    ...changes,
  };
}

function find(flags: readonly Flag[], name: string): Flag | undefined {
  return flags.find((flag) => flag.name === name);
}

Deno.test("a command without settings takes its own flags, colours and what all take", () => {
  const command = commandWith({ flags: [{ name: "json", meaning: "As JSON" }] });
  assertEquals(readsSettings(command), false);
  const names = flagsOf(command).map(({ name }) => name);
  assertEquals(names, ["json", "color", "verbose", "quiet", "help"]);
});

Deno.test("a command with settings takes those of its groups, a file, and the common ones", () => {
  const command = commandWith({ settings: ["device"] });
  assertEquals(readsSettings(command), true);
  const flags = flagsOf(command);
  for (const name of ["mtu", "config", "log-level", "color", "help"]) {
    assert(find(flags, name), name);
  }
  assertEquals(find(flags, "socks"), undefined);
  assertEquals(find(flags, "include"), undefined);
});

Deno.test("own flags come first, what all take last", () => {
  const own = [{ name: "one", meaning: "" }, { name: "two", meaning: "", default: "2" }];
  const flags = flagsOf(commandWith({ settings: ["proxy", "common"], flags: own }));
  assertEquals(flags.slice(0, 2).map(({ name, default: preset }) => [name, preset]), [
    ["one", ""],
    ["two", "2"],
  ]);
  assertEquals(flags.slice(-3).map(({ name }) => name), ["verbose", "quiet", "help"]);
});

Deno.test("a setting's flag knows its value, default, choices and setting", () => {
  const flags = flagsOf(commandWith({ settings: ["device", "capture"] }));
  const mtu = find(flags, "mtu")!;
  assertEquals([mtu.default, mtu.setting?.key, mtu.repeats], ["1500", "tun.mtu", false]);
  assert(find(flags, "include")!.repeats);
  assertEquals(find(flags, "color")!.choices, ["auto", "always", "never"]);
  assert(find(flags, "config")!.file);
});

Deno.test("no command has two flags of one name or letter", () => {
  for (const command of commands) {
    const flags = flagsOf(command);
    const names = flags.flatMap(({ name, short }) => short === undefined ? [name] : [name, short]);
    assertEquals(new Set(names).size, names.length, command.name);
  }
});
