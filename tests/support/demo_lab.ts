/**
 * `ztun demo` in the lab of `exec`, as after a first run on a machine: with the packages in the user's
 * own cache, which are copied from ours so that nothing is fetched.
 */

import { execLabCommand, type ExecLabOptions } from "./exec_lab.ts";
import { must } from "./process.ts";

/** The command line; `args` are those of `ztun demo`. */
export async function demoLabCommand(
  directory: string,
  args: readonly string[],
  options: ExecLabOptions,
): Promise<string[]> {
  const prepare = [
    `mkdir -m 0777 "$lab/cache" && cp -r '${await npmCache()}' "$lab/cache/npm"`,
    // Where the tunnel's control socket is: gone with the lab.
    'export XDG_RUNTIME_DIR="$lab"',
    options.prepare ?? "",
  ];
  return execLabCommand(directory, ["demo", ...args], {
    ...options,
    program: "main.ts",
    prepare: prepare.join("\n"),
  });
}

async function npmCache(): Promise<string> {
  const info = await must([Deno.execPath(), "info", "--json"]);
  return (JSON.parse(info) as { npmCache: string }).npmCache;
}
