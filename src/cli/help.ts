/** Help as text, made from the table of commands and the definition of the settings. */

import { groupTitles } from "../config/definition.ts";
import type { Command, Example } from "./command.ts";
import { type Flag, flagsOf } from "./flags.ts";
import type { Paint } from "./terminal.ts";
import { fill, table } from "./text_layout.ts";
import { topics } from "./topics.ts";

/** `ztun help`: what there is. */
export function overview(commands: readonly Command[], paint: Paint): string {
  const shown = commands.filter((command) => !command.hidden);
  return [
    "ztun makes a host's packets leave through a proxy: TCP, UDP, ping and DNS, IPv4 and IPv6.\n",
    section("USAGE", ["  ztun COMMAND [flags]"], paint),
    section(
      "COMMANDS",
      table(shown.map(({ name, summary }) => [name, summary]), 2, paint),
      paint,
    ),
    section("EXAMPLES", examples(overviewExamples(shown), paint), paint),
    section(
      "LEARN MORE",
      table(
        [
          ["ztun help COMMAND", "Flags and examples of a command"],
          ...topics.map(({ name, summary }): [string, string] => [`ztun help ${name}`, summary]),
        ],
        2,
        paint,
      ),
      paint,
    ),
  ].join("\n");
}

/** The first example of each command that carries packets. */
function overviewExamples(commands: readonly Command[]): Example[] {
  return commands.slice(0, 4).flatMap((command) => command.examples.slice(0, 1));
}

/** `ztun help COMMAND`. */
export function commandHelp(command: Command, paint: Paint): string {
  const parts = [`${command.summary}.\n`];
  parts.push(section("USAGE", command.usage.map((line) => `  ztun ${line}`), paint));
  const [first] = command.positionals;
  if (first !== undefined) {
    const rows = command.positionals.map(({ name, meaning }): [string, string] => [name, meaning]);
    parts.push(section("ARGUMENTS", table(rows, 2, paint), paint));
  }
  if (command.details !== undefined) {
    parts.push(command.details.map((text) => `${fill(text, 0)}\n`).join("\n"));
  }
  for (const [title, flags] of flagGroups(command)) {
    parts.push(section(title, flagRows(flags, paint), paint));
  }
  if (command.examples.length > 0) {
    parts.push(section("EXAMPLES", examples(command.examples, paint), paint));
  }
  return parts.join("\n");
}

/** Flags under their headings, in the order in which the command takes them. */
export function flagGroups(command: Command): [string, Flag[]][] {
  const groups = new Map<string, Flag[]>();
  for (const flag of flagsOf(command)) {
    const title = Object.hasOwn(groupTitles, flag.group)
      ? groupTitles[flag.group as keyof typeof groupTitles]
      : "FLAGS";
    groups.set(title, [...(groups.get(title) ?? []), flag]);
  }
  return [...groups];
}

/** `-v, --verbose` or `--mtu N`, and `...` behind what repeats. */
export function flagUsage(flag: Flag): string {
  const short = flag.short === undefined ? "" : `-${flag.short}, `;
  const value = flag.value === undefined ? "" : ` ${flag.value}`;
  return `${short}--${flag.name}${value}${flag.repeats ? "..." : ""}`;
}

function flagRows(flags: readonly Flag[], paint: Paint): string[] {
  const rows = flags.map((flag): [string, string] => {
    const choices = flag.choices.length > 0 ? `: ${flag.choices.join(", ")}` : "";
    const preset = flag.default === "" ? "" : ` [default: ${flag.default}]`;
    return [flagUsage(flag), `${flag.meaning}${choices}${preset}`];
  });
  return table(rows, 2, paint);
}

function examples(list: readonly Example[], paint: Paint): string[] {
  return list.flatMap(({ command, meaning }, index) => [
    ...(index === 0 ? [] : [""]),
    `  ${meaning}:`,
    `    ${paint("success", command)}`,
  ]);
}

function section(title: string, lines: readonly string[], paint: Paint): string {
  return `${paint("heading", title)}\n${lines.join("\n")}\n`;
}
