/** Tests that need io_uring. Where it is forbidden or missing they are named as not run, with the reason. */

import { probeUring } from "../../ffi/uring_probe_linux.ts";

const missing = probeUring();
const notRun: string[] = [];

/** Registers the test where the kernel has what it needs, else says at the end that it was not run. */
export function uringTest(name: string, body: () => void | Promise<void>): void {
  if (missing === undefined) {
    Deno.test(name, body);
    return;
  }
  if (notRun.length === 0) globalThis.addEventListener("unload", report);
  notRun.push(name);
}

function report(): void {
  const lines = notRun.map((name) => `not run (${missing}): ${name}\n`).join("");
  Deno.stdout.writeSync(new TextEncoder().encode(lines));
}
