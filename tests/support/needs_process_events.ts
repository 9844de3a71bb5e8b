/**
 * Tests that need the kernel's news of processes. Where there are none (in a container, or for who is not
 * root) they are named as not run, with the reason.
 */

import { ProcessEvents } from "../../ffi/process_events_linux.ts";

const missing = await whyNone();
const notRun: string[] = [];

/** Registers the test where the kernel has news for us, else says at the end that it was not run. */
export function processEventsTest(name: string, body: () => Promise<void>): void {
  if (missing === undefined) {
    Deno.test(name, body);
    return;
  }
  if (notRun.length === 0) globalThis.addEventListener("unload", report);
  notRun.push(name);
}

async function whyNone(): Promise<string | undefined> {
  try {
    await new ProcessEvents().close();
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}

function report(): void {
  const lines = notRun.map((name) => `not run (${missing}): ${name}\n`).join("");
  Deno.stdout.writeSync(new TextEncoder().encode(lines));
}
