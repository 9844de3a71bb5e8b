/**
 * `deno task fuzz [--packets N] [--seed S] [--target NAME]`: without a target, all of them in turn, with
 * N inputs each. Ends with status 1 at the first failure, and prints the command that repeats it.
 */

import { parseArgs } from "@std/cli/parse-args";
import { fuzz, FuzzFailure } from "./fuzz.ts";
import { HeapWatch } from "./heap_watch.ts";
import { Violation } from "./target.ts";
import { targets } from "./targets.ts";

function main(): number {
  const flags = parseArgs(Deno.args, { string: ["packets", "seed", "target"] });
  const count = Number(flags.packets ?? 1_000_000);
  const seed = Number(flags.seed ?? 1);
  const chosen = targets.filter((target) => (flags.target ?? target.name) === target.name);
  if (chosen.length === 0 || !(count > 0) || !Number.isSafeInteger(seed)) {
    print("usage: deno task fuzz [--packets N] [--seed S] [--target NAME]");
    print(`targets: ${targets.map((target) => target.name).join(" ")}`);
    return 2;
  }
  for (const target of chosen) {
    const heap = new HeapWatch();
    const started = performance.now();
    fuzz(target, seed, count, (done) => {
      heap.sample();
      const rate = Math.round(done / (performance.now() - started) * 1000);
      print(`${target.name}: ${done} of ${count}, ${rate}/s, heap ${heap.text}`);
    });
    heap.check();
  }
  return 0;
}

function print(line: string): void {
  Deno.stdout.writeSync(new TextEncoder().encode(`${line}\n`));
}

try {
  Deno.exitCode = main();
} catch (error) {
  if (!(error instanceof FuzzFailure || error instanceof Violation)) throw error;
  print(error.message);
  Deno.exitCode = 1;
}
