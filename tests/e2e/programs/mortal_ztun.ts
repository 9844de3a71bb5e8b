/**
 * `ztun` that kills itself in front of its N-th step, counted from 0, and writes down how many there were:
 *
 *   mortal_ztun.ts N FILE ARGUMENT…
 *
 * A step is a line of the journal, written and made to last: every change of the host is in there before
 * it is made. So a process that is stopped in front of each of them has been stopped between any two
 * changes, and between any change and its line.
 */

import { realEnvironment } from "../../../src/cli/environment.ts";
import { run } from "../../../src/cli/run.ts";
import { realDisk } from "../../../src/host/disk.ts";
import { watchedDisk } from "../../support/watched_disk.ts";

const [at, file, ...args] = Deno.args;
let steps = 0;

Object.assign(
  realDisk,
  watchedDisk((name) => {
    if (name !== "write" && name !== "sync") return;
    if (steps === Number(at)) Deno.kill(Deno.pid, "SIGKILL");
    steps += 1;
    Deno.writeTextFileSync(file!, String(steps));
  }, { ...realDisk }),
);

Deno.exit(await run(args, realEnvironment()));
