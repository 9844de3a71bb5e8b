/**
 * `deno task compile`: one executable for this system, `dist/ztun`. The base binary that `deno compile`
 * needs is taken from DENORT_BIN when that is set, else from Deno's cache, else downloaded by Deno.
 */

import { print, readSources } from "./source_text.ts";

const OUTPUT = Deno.build.os === "windows" ? "dist/ztun.exe" : "dist/ztun";

/** Worker modules are not found by following imports; each is named by a URL beside its owner. */
export function workerModules(root: string): string[] {
  const pattern = /new URL\(\s*"([^"]+\.ts)"\s*,\s*import\.meta\.url\s*\)/g;
  return readSources(root, ["main.ts", "src", "ffi"]).flatMap(({ path, text }) =>
    [...text.matchAll(pattern)].map((match) =>
      new URL(match[1]!, `file:///${path}`).pathname.slice(1)
    )
  );
}

export function compileArguments(workers: readonly string[]): string[] {
  const includes = workers.flatMap((path) => ["--include", path]);
  return ["compile", "-A", "--no-check", ...includes, "--output", OUTPUT, "main.ts"];
}

async function main(): Promise<number> {
  await Deno.mkdir("dist", { recursive: true });
  const { code, stderr } = await new Deno.Command(Deno.execPath(), {
    args: compileArguments(workerModules(".")),
    env: { NO_COLOR: "1" },
    stdin: "null",
    stdout: "inherit",
    stderr: "piped",
  }).output();
  const said = new TextDecoder().decode(stderr).split("\nStack backtrace:")[0]!;
  if (code === 0) {
    print(OUTPUT);
    return 0;
  }
  print(`error: Cannot compile ${OUTPUT}\n  Caused by: ${said.trim().replaceAll("\n", "\n    ")}`);
  if (/denort|download|dl\.deno\.land/i.test(said)) {
    const version = Deno.version.deno;
    print(
      `\nhint: Deno ${version} needs its base binary "denort" of the same version. Where it cannot be ` +
        "downloaded, bring the file and run `DENORT_BIN=/path/to/denort deno task compile`",
    );
  }
  return 1;
}

if (import.meta.main) Deno.exitCode = await main();
