/**
 * `ztun __complete WORD...`: what may stand in place of the last word.
 *
 * One candidate per line, with its meaning behind a tab; `:files` or `:command` as a line asks the shell
 * for its own completion of files, or of another program's command line.
 */

import { Exit } from "../../errors.ts";
import type { Command } from "../command.ts";
import { type Flag, flagsOf } from "../flags.ts";

/** `table` gives the commands; a function, because this command stands in the table itself. */
export function command(table: () => readonly Command[]): Command {
  return {
    name: "__complete",
    summary: "Offer what may stand in place of the last word",
    usage: ["__complete WORD..."],
    settings: [],
    flags: [],
    positionals: [],
    examples: [],
    hidden: true,
    raw: true,
    run: ({ environment, rest }) => {
      environment.out(complete(rest, table()).map((line) => `${line}\n`).join(""));
      return Promise.resolve(Exit.Ok);
    },
  };
}

/** `words` stand behind the program's name; the last one is being typed. */
export function complete(words: readonly string[], table: readonly Command[]): string[] {
  const [name = "", ...others] = words;
  const shown = table.filter((command) => !command.hidden);
  if (others.length === 0) {
    return offer(name, shown.map((command) => [command.name, command.summary]));
  }
  const command = shown.find((command) => command.name === name);
  return command === undefined ? [] : completeArgument(command, others);
}

function completeArgument(command: Command, words: readonly string[]): string[] {
  const current = words.at(-1) ?? "";
  const { waiting, used, positionals, ended } = readBefore(command, words.slice(0, -1));
  if (waiting !== undefined) return offerValues(waiting, "", current);
  if (command.takesCommand && (ended || positionals > 0)) return [":command"];
  if (!ended && current.startsWith("-")) return completeFlag(command, current, used);
  if (command.takesCommand) return [":command"];
  const positional = command.positionals[positionals];
  if (positional?.file) return [":files"];
  return offer(current, (positional?.choices?.() ?? []).map((choice) => [choice, ""]));
}

interface Before {
  /** The flag whose value comes next. */
  waiting: Flag | undefined;
  /** Names of flags that may not stand again. */
  used: Set<string>;
  positionals: number;
  /** After `--`. */
  ended: boolean;
}

/** Walks over what is typed already; what is wrong there is not our business yet. */
function readBefore(command: Command, words: readonly string[]): Before {
  const flags = flagsOf(command);
  const before: Before = { waiting: undefined, used: new Set(), positionals: 0, ended: false };
  for (const word of words) {
    if (before.waiting !== undefined) before.waiting = undefined;
    else if (before.ended || !word.startsWith("-")) before.positionals++;
    else if (word === "--") before.ended = true;
    else {
      const name = word.split("=", 1)[0] ?? "";
      const flag = flags.find((flag) => name === `--${flag.name}` || name === `-${flag.short}`);
      if (flag !== undefined && !flag.repeats) before.used.add(flag.name);
      if (flag?.value !== undefined && !word.includes("=")) before.waiting = flag;
    }
    if (command.takesCommand && before.positionals > 0) break;
  }
  return before;
}

function completeFlag(command: Command, current: string, used: ReadonlySet<string>): string[] {
  const flags = flagsOf(command);
  const equals = current.indexOf("=");
  if (equals >= 0) {
    const flag = flags.find((flag) => `--${flag.name}` === current.slice(0, equals));
    if (flag === undefined) return [];
    return offerValues(flag, current.slice(0, equals + 1), current.slice(equals + 1));
  }
  const left = flags.filter((flag) => !used.has(flag.name));
  return offer(current, left.map((flag) => [`--${flag.name}`, flag.meaning]));
}

function offerValues(flag: Flag, prefix: string, current: string): string[] {
  if (flag.file) return [":files"];
  return offer(prefix + current, flag.choices.map((choice) => [prefix + choice, ""]));
}

/** Candidates that begin with what is typed. */
function offer(typed: string, candidates: readonly (readonly [string, string])[]): string[] {
  return candidates.filter(([word]) => word.startsWith(typed))
    .map(([word, meaning]) => meaning === "" ? word : `${word}\t${meaning}`);
}
