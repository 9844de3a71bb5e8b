/** Descriptors that were opened through FFI are nobody's resources to Deno: counted in a process apart. */

import { assert, assertEquals } from "@std/assert";
import { must } from "../../support/process.ts";
import { denoRun } from "../../support/ztun.ts";
import { uringTest } from "../../support/needs_uring.ts";

/** Deno opens a pair of sockets of its own once, at a time of its choosing. */
const DENOS_OWN = 2;

/** What a program of `tests/support` prints. */
async function printed<T>(program: string): Promise<T> {
  const { pathname } = new URL(`../../support/${program}`, import.meta.url);
  return JSON.parse(await must(denoRun(pathname))) as T;
}

function grown(counts: readonly number[]): number {
  return Math.max(...counts) - Math.min(...counts);
}

Deno.test("tunnels that have ended leave no descriptor open", async () => {
  const counts = await printed<number[]>("engine_rounds.ts");
  // Ten tunnels, and nine to compare: what one of them leaves is left nine times.
  assert(grown(counts.slice(1)) <= DENOS_OWN, `open after each tunnel: ${counts}`);
});

uringTest("engines on threads of their own leave no descriptor, and no thread", async () => {
  const counts = await printed<[number, number][]>("worker_rounds.ts");
  const descriptors = counts.slice(1).map(([descriptors]) => descriptors);
  assert(grown(descriptors) <= DENOS_OWN, `open after each round: ${descriptors}`);
  assertEquals(counts.map(([, threads]) => threads), counts.map(() => 0));
});
