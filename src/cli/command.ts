/**
 * What a command is. One value of this shape per verb (`commands/<verb>.ts`); the parser, the help, the
 * shell completion and the README's reference are all made from it.
 *
 * What others need from here:
 *   `run(input: CommandInput): Promise<number>`; the number is the exit code
 *   `input.settings`     everything of `config/settings.ts`, merged and valid, passwords read
 *   `input.given`        of those, what the command line says itself, by key
 *   `input.flags`        the command's own flags: `input.flags.json === true`, or a text
 *   `input.positionals`  arguments that are no flags, counted already against `command.positionals`
 *   `input.rest`         what stands after `--`; for `takesCommand`, the whole command to run
 *   `input.args`         all of it as it was given, for who starts this program again
 *   `input.terminal`     colours (`cli/terminal.ts`); `input.quiet`, `input.verbose`: -q and -v
 */

import type { Settings } from "../config/settings.ts";
import type { SettingGroup } from "../config/definition.ts";
import type { Value } from "../config/values.ts";
import type { Environment } from "./environment.ts";
import type { Terminal } from "./terminal.ts";

/** A flag that is no setting: only this command knows it. */
export interface CommandFlag {
  /** Without the dashes. */
  name: string;
  /** The placeholder of its value (`FILE`); without one it is a switch. */
  value?: string;
  meaning: string;
  /** What holds without it, for the help only. */
  default?: string;
  /** Completion offers files. */
  file?: true;
}

/** An argument by position. */
export interface Positional {
  name: string;
  meaning: string;
  required: boolean;
  /** What completion offers; a function, because what can be named may change. */
  choices?: () => readonly string[];
  /** Completion offers files. */
  file?: true;
}

export interface Example {
  command: string;
  meaning: string;
}

export interface CommandInput {
  settings: Settings;
  given: ReadonlyMap<string, Value>;
  flags: Readonly<Record<string, string | boolean | undefined>>;
  positionals: readonly string[];
  rest: readonly string[];
  /** The command line as it was given, from the command's name on. */
  args: readonly string[];
  environment: Environment;
  terminal: Terminal;
  verbose: boolean;
  quiet: boolean;
  /** `--config FILE` or `ZTUN_CONFIG`: where `settings` come from, if from a file. */
  configPath: string | undefined;
}

export interface Command {
  name: string;
  /** One sentence, imperative, without a full stop. */
  summary: string;
  /** The lines of USAGE, without the program's name. */
  usage: readonly string[];
  /** Settings that the command takes as flags, in the order of the help. */
  settings: readonly SettingGroup[];
  flags: readonly CommandFlag[];
  positionals: readonly Positional[];
  examples: readonly Example[];
  /** Paragraphs under the summary. */
  details?: readonly string[];
  /** Left out of help and completion. */
  hidden?: true;
  /** The first positional starts another program's command line: it goes to `rest` untouched. */
  takesCommand?: true;
  /** All arguments go to `rest` unread. */
  raw?: true;
  run(input: CommandInput): Promise<number>;
}
