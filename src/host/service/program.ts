/** How systemd is to run this very program. */

import { UserError } from "../../errors.ts";
import type { RunCommand } from "../changes/run_command.ts";
import type { ServiceProgram } from "./unit.ts";

/**
 * A compiled program needs nothing. From source, the packages are in Deno's directory, which is found by
 * variables that a service does not have; and Deno is not to ask for its own updates.
 */
export async function serviceProgram(
  selfCommand: readonly string[],
  run: RunCommand,
): Promise<ServiceProgram> {
  if (selfCommand.length === 1) return { words: selfCommand, environment: {} };
  const DENO_DIR = await denoDirectory(selfCommand[0]!, run);
  return { words: selfCommand, environment: { DENO_DIR, DENO_NO_UPDATE_CHECK: "1" } };
}

async function denoDirectory(deno: string, run: RunCommand): Promise<string> {
  const { code, stdout, stderr } = await run([deno, "info", "--json", "--no-config"]);
  if (code === 0) return String(JSON.parse(stdout).denoDir);
  throw new UserError("Cannot find out where Deno keeps its packages", {
    cause: new Error(stderr.trim()),
    hint: `See what \`${deno} info\` says`,
  });
}
