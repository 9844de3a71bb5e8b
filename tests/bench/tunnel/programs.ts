/** The bench's own programs, as commands. */

import { denoRun } from "../../support/ztun.ts";

export function program(name: string, ...args: string[]): string[] {
  return denoRun(new URL(`programs/${name}`, import.meta.url).pathname, ...args);
}
