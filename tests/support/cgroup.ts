/** A control group for the length of one function. */

import { type Cgroup, cgroupMount, findCgroup } from "../../src/host/firewall/cgroup.ts";

export function withCgroup<T>(body: (cgroup: Cgroup, directory: string) => T): T {
  const mount = cgroupMount(Deno.readTextFileSync("/proc/self/mounts"));
  if (mount === undefined) throw new Error("There are no control groups of version 2 here");
  // Files of tests run in one process: neither its number nor a counter tells them apart.
  const outer = `ztun-test-${crypto.randomUUID().slice(0, 8)}`;
  const path = `${outer}/inner`;
  Deno.mkdirSync(`${mount}/${path}`, { recursive: true });
  try {
    return body(findCgroup(path)!, `${mount}/${path}`);
  } finally {
    Deno.removeSync(`${mount}/${path}`);
    Deno.removeSync(`${mount}/${outer}`);
  }
}
