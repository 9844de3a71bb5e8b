import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { commands } from "../../../src/cli/commands.ts";
import { flagsOf } from "../../../src/cli/flags.ts";
import { commandHelp, flagUsage, overview } from "../../../src/cli/help.ts";
import { parseCommandLine } from "../../../src/cli/parse_command_line.ts";
import { reference } from "../../../src/cli/reference.ts";
import { exampleConfig, topics } from "../../../src/cli/topics.ts";
import { parseConfig } from "../../../src/config/config_file.ts";
import { settingTable } from "../../../src/config/definition.ts";
import { Exit } from "../../../src/errors.ts";

const plain = (_style: string, text: string) => text;
const shown = commands.filter((command) => !command.hidden);
const all = [
  overview(commands, plain),
  ...shown.map((command) => commandHelp(command, plain)),
  ...topics.map((topic) => topic.text(plain)),
];

Deno.test("the overview names every command and topic, and nothing hidden", () => {
  const text = overview(commands, plain);
  for (const { name, summary } of shown) {
    assertStringIncludes(text, `  ${name} `);
    assertStringIncludes(text, summary);
  }
  for (const { name } of topics) assertStringIncludes(text, `ztun help ${name}`);
  assertEquals(text.includes("__"), false);
});

Deno.test("a command's help names every flag, example and paragraph", () => {
  for (const command of shown) {
    const text = commandHelp(command, plain);
    for (const flag of flagsOf(command)) assertStringIncludes(text, flagUsage(flag));
    for (const example of command.examples) assertStringIncludes(text, example.command);
    for (const usage of command.usage) assertStringIncludes(text, `ztun ${usage}`);
  }
});

Deno.test("help is plain text that fits a page", () => {
  for (const text of all) {
    for (const line of text.split("\n")) assert(line.length <= 100, line);
    assertEquals(/^\n|[^\n]$|\n\n$/.test(text), false, text);
    assertEquals(/[^\x20-\x7e\n]/.test(text), false, text.match(/[^\x20-\x7e\n]/)?.[0]);
    assertEquals(/ \n|\n\n\n/.test(text), false, text);
  }
});

Deno.test("every visible command has two or three examples, which parse", () => {
  for (const command of shown) {
    assert(command.examples.length >= 2 && command.examples.length <= 3, command.name);
    for (const { command: line } of command.examples) {
      const words = line.split(/ [>|] |\)/)[0]?.split(" ") ?? [];
      const at = words.findIndex((word) => /^(<\()?ztun$/.test(word) || word === "<(ztun");
      assertEquals(words[at + 1], command.name, line);
      parseCommandLine(command, words.slice(at + 2));
    }
  }
});

Deno.test("summaries are one sentence without a full stop", () => {
  for (const { summary } of commands) assert(/^[A-Z].*[^.]$/.test(summary), summary);
});

Deno.test("the topics name every key, variable and exit code; the example is valid", () => {
  const text = Object.fromEntries(topics.map((topic) => [topic.name, topic.text(plain)]));
  for (const { key, env } of settingTable) {
    assertStringIncludes(text.config ?? "", `  ${key} `);
    assertStringIncludes(text.environment ?? "", `  ${env} `);
  }
  for (const code of Object.values(Exit)) {
    assertStringIncludes(text["exit-codes"] ?? "", `  ${code} `);
  }
  assert(parseConfig("example", exampleConfig).size > 5);
});

Deno.test("the reference has every command, key and variable, in whole rows", () => {
  const text = reference(commands);
  for (const { name } of shown) assertStringIncludes(text, `\`ztun ${name}`);
  for (const { key, env } of settingTable) {
    assertStringIncludes(text, `\`${key}\``);
    assertStringIncludes(text, `\`${env}\``);
  }
  const cells = (line: string) => line.replaceAll("\\|", "").split("|").length;
  const tables = text.split("\n\n").filter((part) => part.startsWith("|"));
  for (const table of tables) {
    const lines = table.split("\n");
    for (const line of lines) assertEquals(cells(line), cells(lines[0] ?? ""), line);
  }
});
