/** From arguments to an exit code: finds the command, reads its settings, runs it, shows what failed. */

import { loadSettings } from "../config/load.ts";
import { nearest } from "../config/nearest.ts";
import { quote } from "../config/quote.ts";
import { defaultSettings, type Settings } from "../config/settings.ts";
import { Exit } from "../errors.ts";
import { configureLogging, resetLogging } from "../log/output.ts";
import type { Command } from "./command.ts";
import { commands } from "./commands.ts";
import type { Environment } from "./environment.ts";
import { readsSettings } from "./flags.ts";
import { commandHelp, overview } from "./help.ts";
import { type CommandLine, parseCommandLine, usageError } from "./parse_command_line.ts";
import { exitCodeOf, reportError } from "./report_error.ts";
import { type ColorMode, createTerminal, type Paint } from "./terminal.ts";

export async function run(
  args: readonly string[],
  environment: Environment,
  table: readonly Command[] = commands,
): Promise<number> {
  try {
    return await dispatch(args, environment, table);
  } catch (error) {
    const { err } = createTerminal(environment, colorIn(args));
    environment.err(reportError(error, err, asksForStack(args)));
    return exitCodeOf(error);
  }
}

function dispatch(
  args: readonly string[],
  environment: Environment,
  table: readonly Command[],
): Promise<number> {
  const [name, ...others] = args;
  if (name === undefined || name === "--help" || name === "-h") {
    const { out } = createTerminal(environment, colorIn(args));
    environment.out(overview(table, out));
    return Promise.resolve(Exit.Ok);
  }
  const verb = name === "--version" || name === "-V" ? "version" : name;
  const command = table.find((command) => command.name === verb);
  if (command === undefined) throw unknownCommand(name, table);
  return runCommand(command, others, environment);
}

function unknownCommand(name: string, table: readonly Command[]): Error {
  if (name.startsWith("-")) {
    return usageError("Flags stand behind the command: ztun COMMAND [flags]", "`ztun help`");
  }
  const names = table.filter((command) => !command.hidden).map((command) => command.name);
  const meant = nearest(name, names);
  const hint = meant === undefined ? "" : `; did you mean ${meant}?`;
  return usageError(`Unknown command ${quote(name)}${hint}`, "`ztun help`");
}

async function runCommand(
  command: Command,
  args: readonly string[],
  environment: Environment,
): Promise<number> {
  const line = parseCommandLine(command, args);
  if (line.flags.help === true) {
    environment.out(commandHelp(command, createTerminal(environment, colorIn(args)).out));
    return Exit.Ok;
  }
  const verbosity = readVerbosity(line);
  const configPath = textOf(line.flags.config) ?? environment.env("ZTUN_CONFIG");
  const settings = await readSettings(command, line, configPath, environment);
  const terminal = createTerminal(environment, settings.color);
  if (passwordInView(line)) environment.err(passwordWarning(terminal.err));
  const input = { settings, terminal, environment, configPath, ...verbosity };
  if (readsSettings(command)) {
    configureLogging(settings.log, { write: environment.err, paint: terminal.err });
  }
  try {
    const { settings: given, flags, positionals, rest } = line;
    const own = { given, flags, positionals, rest, args: [command.name, ...args] };
    return await command.run({ ...input, ...own });
  } finally {
    resetLogging();
  }
}

async function readSettings(
  command: Command,
  line: CommandLine,
  configPath: string | undefined,
  environment: Environment,
): Promise<Settings> {
  const flags = line.settings;
  if (!readsSettings(command)) {
    return { ...defaultSettings(), color: (flags.get("color") ?? "auto") as ColorMode };
  }
  const groups = [...new Set([...command.settings, "common" as const])];
  return (await loadSettings({ groups, flags, configPath, environment })).settings;
}

/** -v and -q stand for a log level, which --log-level overrules. */
function readVerbosity(line: CommandLine): { verbose: boolean; quiet: boolean } {
  const verbose = line.flags.verbose === true;
  const quiet = line.flags.quiet === true;
  if (verbose && quiet) throw usageError("--verbose and --quiet exclude each other", "`ztun help`");
  if ((verbose || quiet) && !line.settings.has("log.level")) {
    line.settings.set("log.level", verbose ? "debug" : "warning");
  }
  return { verbose, quiet };
}

function textOf(value: string | boolean | undefined): string | undefined {
  return typeof value === "string" ? value : undefined;
}

/** Whether the password stands where `ps` shows it to everybody on this machine. */
function passwordInView(line: CommandLine): boolean {
  const url = line.settings.get("proxy.url");
  return typeof url === "object" && "password" in url && url.password !== undefined;
}

function passwordWarning(paint: Paint): string {
  return `${
    paint("warning", "warning:")
  } The password stands in the command line, which others on ` +
    "this machine can read: use --password-file, or the variable ZTUN_PASSWORD\n";
}

/** The colours asked for, before (or although) the arguments could be read. */
function colorIn(args: readonly string[]): ColorMode {
  const own = beforeDashes(args);
  const at = own.lastIndexOf("--color");
  const value = own.findLast((argument) => argument.startsWith("--color="))?.slice(8) ??
    own[at < 0 ? own.length : at + 1];
  return value === "always" || value === "never" ? value : "auto";
}

function asksForStack(args: readonly string[]): boolean {
  return beforeDashes(args).some((argument) => argument === "-v" || argument === "--verbose");
}

function beforeDashes(args: readonly string[]): readonly string[] {
  const at = args.indexOf("--");
  return at < 0 ? args : args.slice(0, at);
}
