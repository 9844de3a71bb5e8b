/** A source of settings: what it says, how it names things, and how files are read for it. */

import { Exit, UserError } from "../errors.ts";
import type { Setting } from "./definition.ts";
import { printable } from "./quote.ts";
import type { Value } from "./values.ts";

/** What reading settings needs of the world; `cli/environment.ts` is one. */
export interface Outside {
  env(name: string): string | undefined;
  readTextFile(path: string): Promise<string>;
}

export type Source = "default" | "file" | "environment" | "flag";

/** What one source says: values by key. */
export interface Layer {
  source: Source;
  values: ReadonlyMap<string, Value>;
}

/** The text of a file; a `UserError` that says which when it cannot be read. */
export async function readFile(
  path: string,
  what: string,
  environment: Outside,
): Promise<string> {
  try {
    return await environment.readTextFile(path);
  } catch (cause) {
    const denied = cause instanceof Deno.errors.PermissionDenied;
    throw new UserError(`Cannot read the ${what} "${printable(path)}"`, {
      cause,
      exitCode: denied ? Exit.Permission : Exit.Usage,
    });
  }
}

/** How a setting is called where it was said. */
export function nameIn(source: Source, setting: Setting): string {
  if (source === "flag" && setting.flag !== undefined) return `--${setting.flag}`;
  return source === "environment" ? setting.env : `"${setting.key}"`;
}
