/** The command line under test. */

const ROOT = new URL("../../", import.meta.url).pathname;

/** `ztun` with these arguments, from source. */
export function ztun(...args: string[]): string[] {
  return denoRun(`${ROOT}main.ts`, ...args);
}

/** One of the programs in `tests/e2e/programs`. */
export function program(name: string, ...args: string[]): string[] {
  return denoRun(`${ROOT}tests/e2e/programs/${name}`, ...args);
}

/** A TypeScript program of the tree. */
export function denoRun(path: string, ...args: string[]): string[] {
  const flags = [
    "-A",
    "--no-check",
    "--unstable-ffi",
    "--unstable-net",
    `--config=${ROOT}deno.json`,
  ];
  return [Deno.execPath(), "run", ...flags, path, ...args];
}

/** As many descriptors as this process may give away; seldom is more needed. */
export function descriptorLimit(): number {
  const hard = Deno.readTextFileSync("/proc/self/limits").match(/^Max open files\s+\d+\s+(\d+)/m);
  return Math.min(65_536, Number(hard![1]));
}

/** The command with that many. */
export function nofile(command: readonly string[]): string[] {
  const limit = descriptorLimit();
  return ["prlimit", `--nofile=${limit}:${limit}`, ...command];
}
