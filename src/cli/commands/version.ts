/** `ztun version`: what this program is. */

import { Exit } from "../../errors.ts";
import type { Command, CommandInput } from "../command.ts";
import { version } from "../../version.ts";

export const command: Command = {
  name: "version",
  summary: "Show the version of ztun and of what it runs on",
  usage: ["version [flags]"],
  settings: [],
  flags: [{ name: "json", meaning: "Print it as JSON" }],
  positionals: [],
  examples: [
    { command: "ztun version", meaning: "For a bug report" },
    { command: "ztun version --json", meaning: "For a script" },
  ],
  run,
};

function run({ environment, flags }: CommandInput): Promise<number> {
  const { deno, v8, typescript } = Deno.version;
  const { target } = Deno.build;
  if (flags.json === true) {
    const value = { schemaVersion: 1, ztun: version, deno, v8, typescript, target };
    environment.out(`${JSON.stringify(value, null, 2)}\n`);
  } else {
    environment.out(`ztun ${version} (deno ${deno}, v8 ${v8}, ${target})\n`);
  }
  return Promise.resolve(Exit.Ok);
}
