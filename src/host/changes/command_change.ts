/**
 * A change that only another program can make: `resolvectl`, `resolvconf`, `nmcli`. How to tell whether
 * it is there is a command too.
 */

import { type ChangeKind, printing, quote } from "../change.ts";
import { UserError } from "../../errors.ts";
import type { CommandResult, RunCommand } from "./run_command.ts";

export interface CommandChange {
  readonly kind: "command";
  /** Completes "Cannot …". */
  readonly what: string;
  /** Left out where only the undoing needs a command. */
  readonly command?: readonly string[];
  /** For the standard input of `command`. */
  readonly input?: string;
  /** Left out where there is nothing to undo, or something else undoes it. */
  readonly undo?: readonly string[];
  /** It is there when this command succeeds and prints what the expression matches. Left out: always. */
  readonly check?: { readonly command: readonly string[]; readonly pattern: string };
  readonly outlivesBoot: boolean;
}

export function commandKind(run: RunCommand): ChangeKind<CommandChange> {
  return {
    what: ({ what }) => what,
    command: ({ command, input }) => {
      const line = shown(command);
      return input === undefined ? line : `${printing(input)} | ${line}`;
    },
    undoCommand: ({ undo }) => shown(undo),
    apply: ({ command, input }) => must(run, command, input),
    state: async ({ undo, check }) => {
      if (undo === undefined) return "absent";
      return check === undefined || await holds(run, check) ? "present" : "absent";
    },
    difference: () => "it has been altered since",
    undo: ({ undo }) => must(run, undo),
    outlivesBoot: ({ outlivesBoot }) => outlivesBoot,
  };
}

async function holds(
  run: RunCommand,
  { command, pattern }: NonNullable<CommandChange["check"]>,
): Promise<boolean> {
  const { code, stdout } = await run(command);
  return code === 0 && new RegExp(pattern, "m").test(stdout);
}

async function must(run: RunCommand, command?: readonly string[], input?: string): Promise<void> {
  if (command === undefined) return;
  const result = await run(command, input);
  if (result.code !== 0) throw commandError(command, result);
}

function commandError(command: readonly string[], { code, stdout, stderr }: CommandResult): Error {
  const said = (stderr.trim() || stdout.trim()).split("\n").at(-1)!;
  return new UserError(`\`${shown(command)}\` ended with ${code}${said === "" ? "" : `: ${said}`}`);
}

function shown(command: readonly string[] | undefined): string {
  return command?.map(quote).join(" ") ?? "";
}
