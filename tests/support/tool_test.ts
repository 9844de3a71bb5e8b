/** Tests with a program that not every machine has. Elsewhere they are named as not run. */

const notRun: string[] = [];

/** Registers the test where `tool` can be run, else says at the end that it was not run. */
export function toolTest(tool: string, name: string, body: () => Promise<void>): void {
  if (isThere(tool)) {
    Deno.test(name, body);
    return;
  }
  if (notRun.length === 0) globalThis.addEventListener("unload", report);
  notRun.push(`not run (there is no ${tool}): ${name}\n`);
}

function isThere(tool: string): boolean {
  try {
    return new Deno.Command(tool, { args: ["--version"] }).outputSync().success;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

function report(): void {
  Deno.stdout.writeSync(new TextEncoder().encode(notRun.join("")));
}
