/**
 * Tests that only root can run. For others they are named as not run: a skipped test must be seen.
 */

const notRun: string[] = [];

/** Registers the test when root runs it, else says at the end that it was not run. */
export function rootTest(name: string, body: () => void | Promise<void>): void {
  if (Deno.uid() === 0) {
    Deno.test(name, body);
    return;
  }
  if (notRun.length === 0) globalThis.addEventListener("unload", report);
  notRun.push(name);
}

function report(): void {
  const lines = notRun.map((name) => `not run (needs root): ${name}\n`).join("");
  Deno.stdout.writeSync(new TextEncoder().encode(lines));
}
