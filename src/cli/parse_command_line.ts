/** Arguments to values, against the flags of one command. */

import { nearest } from "../config/nearest.ts";
import { invalid } from "../config/load.ts";
import { quote } from "../config/quote.ts";
import { parseText, type Value } from "../config/values.ts";
import { Exit, UserError } from "../errors.ts";
import type { Command } from "./command.ts";
import { type Flag, flagsOf } from "./flags.ts";

export interface CommandLine {
  /** Settings by key. */
  settings: Map<string, Value>;
  /** The command's own flags and those of every command, by name. */
  flags: Record<string, string | boolean>;
  positionals: string[];
  rest: string[];
}

/** Something about the command line is wrong: exit code 2, and where to read how it goes. */
export function usageError(message: string, hint: string): UserError {
  return new UserError(message, { exitCode: Exit.Usage, hint });
}

export function parseCommandLine(command: Command, args: readonly string[]): CommandLine {
  if (command.raw) return { settings: new Map(), flags: {}, positionals: [], rest: [...args] };
  const parser = new LineParser(command);
  parser.read(args);
  // Who asks for help gets it, whatever else is missing.
  if (parser.line.flags.help !== true) checkArguments(command, parser.line);
  return parser.line;
}

class LineParser {
  readonly line: CommandLine = { settings: new Map(), flags: {}, positionals: [], rest: [] };
  readonly #command: Command;
  readonly #flags: readonly Flag[];
  readonly #seen = new Set<Flag>();

  constructor(command: Command) {
    this.#command = command;
    this.#flags = flagsOf(command);
  }

  read(args: readonly string[]): void {
    for (let at = 0; at < args.length;) {
      const argument = args[at] ?? "";
      if (argument === "--") return this.#readAfterDashes(args.slice(at + 1));
      if (argument.startsWith("-") && argument !== "-") {
        at += this.#readFlag(argument, args[at + 1]);
      } else if (this.#command.takesCommand) {
        this.line.rest.push(...args.slice(at));
        return;
      } else {
        this.line.positionals.push(argument);
        at++;
      }
    }
  }

  #readAfterDashes(args: readonly string[]): void {
    const into = this.#command.takesCommand ? this.line.rest : this.line.positionals;
    into.push(...args);
  }

  /** How many arguments it was. */
  #readFlag(argument: string, next: string | undefined): 1 | 2 {
    const equals = argument.indexOf("=");
    const name = equals < 0 ? argument : argument.slice(0, equals);
    const flag = this.#find(name);
    if (this.#seen.has(flag) && !flag.repeats) {
      throw this.#error(`Flag --${flag.name} is given twice`);
    }
    this.#seen.add(flag);
    const inline = equals < 0 ? undefined : argument.slice(equals + 1);
    if (flag.value === undefined) {
      this.#setSwitch(flag, inline);
      return 1;
    }
    if (inline !== undefined) {
      this.#setValue(flag, inline);
      return 1;
    }
    if (next === undefined || (next.startsWith("-") && next !== "-")) {
      throw this.#error(`Flag --${flag.name} needs a value: --${flag.name}=${flag.value}`);
    }
    this.#setValue(flag, next);
    return 2;
  }

  #find(name: string): Flag {
    const long = name.startsWith("--");
    const flag = this.#flags.find((flag) => {
      return long ? flag.name === name.slice(2) : flag.short === name.slice(1);
    });
    if (flag !== undefined) return flag;
    const meant = nearest(name.replace(/^-+/, ""), this.#flags.map((flag) => flag.name));
    const hint = meant === undefined ? "" : `; did you mean --${meant}?`;
    throw this.#error(`Unknown flag ${quote(name)}${hint}`);
  }

  #setSwitch(flag: Flag, inline: string | undefined): void {
    const on = inline === undefined || inline === "true";
    if (!on && inline !== "false") throw this.#error(`Flag --${flag.name} takes no value`);
    if (flag.setting === undefined) this.line.flags[flag.name] = on;
    else this.line.settings.set(flag.setting.key, flag.setting.negated ? !on : on);
  }

  #setValue(flag: Flag, text: string): void {
    if (flag.setting === undefined) {
      this.line.flags[flag.name] = text;
      return;
    }
    const { setting } = flag;
    try {
      const value = parseText(setting, text);
      if (!setting.list) this.line.settings.set(setting.key, value);
      else {
        const before = this.line.settings.get(setting.key);
        this.line.settings.set(setting.key, [
          ...(Array.isArray(before) ? before : []),
          String(value),
        ]);
      }
    } catch (error) {
      throw invalid(`--${flag.name}`, error);
    }
  }

  #error(message: string): UserError {
    return usageError(message, `\`ztun help ${this.#command.name}\``);
  }
}

function checkArguments(command: Command, { positionals, rest }: CommandLine): void {
  const hint = `\`ztun help ${command.name}\``;
  if (command.takesCommand && rest.length === 0) throw usageError("No command is given", hint);
  const missing = command.positionals[positionals.length];
  if (missing?.required) throw usageError(`Argument <${missing.name}> is missing`, hint);
  const extra = positionals[command.positionals.length];
  if (extra !== undefined) throw usageError(`Unexpected argument ${quote(extra)}`, hint);
}
