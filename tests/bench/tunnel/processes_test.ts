import { assert } from "@std/assert";
import { eventually } from "../../support/eventually.ts";
import { Running } from "../../support/process.ts";
import { wakeupsBetween } from "./proc_text.ts";
import { foreignCpuSeconds, ProcessTree } from "./processes.ts";

const BUSY = "i=0; while [ $i -lt 100000 ]; do i=$((i+1)); done";

Deno.test("a tree: memory, wake-ups and CPU time, those of children among them", async () => {
  const script = `sh -c '${BUSY}'; echo done; while sleep 0.01; do :; done`;
  await using running = new Running("tree", ["sh", "-c", script]);
  await running.logged(/done/);
  const tree = new ProcessTree(running.pid);
  assert(tree.residentMib() > 0.1);
  await eventually("the child's CPU time", () => tree.cpuSeconds() > 0 ? true : undefined);
  const before = tree.sleeps();
  await eventually("wake-ups", () => wakeupsBetween(before, tree.sleeps()) > 0 ? true : undefined);
});

Deno.test("the most memory that was seen during some work", async () => {
  const script = "read go; x=$(head -c 20000000 /dev/zero | tr '\\0' a); echo grown; read end";
  await using running = new Running("grower", ["sh", "-c", script], { stdin: "piped" });
  const tree = new ProcessTree(running.pid);
  const before = tree.residentMib();
  const peak = await tree.peakDuring(async () => {
    await running.write("\n");
    await running.logged(/grown/);
  });
  assert(peak > before + 10, `${before} MiB before, ${peak} MiB at the peak`);
  await running.closeInput();
});

Deno.test("others' CPU time is never less than none", () => {
  assert(foreignCpuSeconds() >= 0);
});
