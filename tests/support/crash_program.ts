/**
 * The scenario in a process of its own, on the host in directory ROOT, which kills itself in front of its
 * N-th operation on the disk:
 *
 *   crash_program.ts ROOT N
 */

import { realMachine } from "../../src/host/machine.ts";
import { liveThrough } from "./crash_scenario.ts";
import { FakeHost } from "./fake_host.ts";
import { diskWithMounts, quickDisk, watchedDisk } from "./watched_disk.ts";

const [root, at] = [Deno.args[0]!, Number(Deno.args[1])];
let operations = 0;
const disk = watchedDisk(() => {
  if (operations === at) Deno.kill(Deno.pid, "SIGKILL");
  operations += 1;
}, diskWithMounts(quickDisk));
await liveThrough(new FakeHost(root), disk, realMachine);
