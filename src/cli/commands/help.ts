/** `ztun help [command | topic]`. */

import { nearest } from "../../config/nearest.ts";
import { quote } from "../../config/quote.ts";
import { Exit } from "../../errors.ts";
import type { Command, CommandInput } from "../command.ts";
import { commandHelp, overview } from "../help.ts";
import { usageError } from "../parse_command_line.ts";
import { topics } from "../topics.ts";

/** `table` gives the commands; a function, because this command stands in the table itself. */
export function command(table: () => readonly Command[]): Command {
  const names = () => {
    const shown = table().filter((command) => !command.hidden).map(({ name }) => name);
    return [...shown, ...topics.map(({ name }) => name)];
  };
  return {
    name: "help",
    summary: "Show what there is, or all about a command or a topic",
    usage: ["help [COMMAND | TOPIC]"],
    settings: [],
    flags: [],
    positionals: [{
      name: "COMMAND | TOPIC",
      meaning: `A command, or one of ${topics.map(({ name }) => name).join(", ")}`,
      required: false,
      choices: names,
    }],
    examples: [
      { command: "ztun help exec", meaning: "All about a command" },
      { command: "ztun help exit-codes", meaning: "A topic" },
    ],
    run: (input) => Promise.resolve(run(input, table(), names())),
  };
}

function run(input: CommandInput, table: readonly Command[], names: readonly string[]): number {
  const { environment, terminal, positionals: [name] } = input;
  if (name === undefined) {
    environment.out(overview(table, terminal.out));
    return Exit.Ok;
  }
  const command = table.find((command) => command.name === name && !command.hidden);
  const topic = topics.find((topic) => topic.name === name);
  if (command !== undefined) environment.out(commandHelp(command, terminal.out));
  else if (topic !== undefined) environment.out(topic.text(terminal.out));
  else {
    const meant = nearest(name, names);
    const hint = meant === undefined ? "" : `; did you mean ${meant}?`;
    throw usageError(`No help for ${quote(name)}${hint}`, "`ztun help`");
  }
  return Exit.Ok;
}
