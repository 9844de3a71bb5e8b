/** Descriptors that were opened through FFI are nobody's resources to Deno: counted in a process apart. */

import { assert } from "@std/assert";

const PROGRAM = new URL("../../support/engine_rounds.ts", import.meta.url);
/** Deno opens a pair of sockets of its own once, at a time of its choosing. */
const DENOS_OWN = 2;

Deno.test("tunnels that have ended leave no descriptor open", async () => {
  const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", "--quiet", PROGRAM.href],
  }).output();
  assert(success, new TextDecoder().decode(stderr));
  const counts: number[] = JSON.parse(new TextDecoder().decode(stdout));
  // Ten tunnels, and nine to compare: what one of them leaves is left nine times.
  const later = counts.slice(1);
  const grown = Math.max(...later) - Math.min(...later);
  assert(grown <= DENOS_OWN, `open after each tunnel: ${counts}`);
});
