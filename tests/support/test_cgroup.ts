/** A cgroup v2 of a test's own, removed at its end with those below it; what is left in them goes back. */

import { cgroup2Of } from "../../src/host/owner/cgroup_mount.ts";
import { eventually } from "./eventually.ts";

export class TestCgroup implements AsyncDisposable {
  readonly mount: string;
  /** Below the mount. */
  readonly path: string;

  constructor() {
    const found = cgroup2Of(Deno.readTextFileSync("/proc/self/mounts"));
    if (found === undefined) throw new Error("There is no cgroup v2 here");
    this.mount = found.mount;
    // Files of tests run in one process: neither its number nor a counter tells them apart.
    this.path = `/ztun-test-${crypto.randomUUID()}`;
    Deno.mkdirSync(this.directory);
  }

  get directory(): string {
    return this.mount + this.path;
  }

  /** A cgroup below. */
  child(name: string): string {
    Deno.mkdirSync(`${this.directory}/${name}`);
    return `${this.path}/${name}`;
  }

  /** Runs the command in this cgroup, or in the one at `path`; the pid is the command's own. */
  within(command: readonly string[], path = this.path): string[] {
    const script = `echo $$ > ${this.mount}${path}/cgroup.procs && exec "$@"`;
    return ["sh", "-c", script, "sh", ...command];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await removeCgroup(this.directory, this.mount);
  }
}

/** Processes that end leave their cgroup a moment later. */
async function removeCgroup(directory: string, mount: string): Promise<void> {
  for (const { name, isDirectory } of Deno.readDirSync(directory)) {
    if (isDirectory) await removeCgroup(`${directory}/${name}`, mount);
  }
  await eventually(`the cgroup ${directory} to be empty`, () => {
    for (const pid of Deno.readTextFileSync(`${directory}/cgroup.procs`).split("\n")) {
      if (pid !== "") Deno.writeTextFileSync(`${mount}/cgroup.procs`, pid, { create: false });
    }
    Deno.removeSync(directory);
    return true;
  });
}
