/** What a load program of the bench says at its end: numbers by name, as JSON on a line of its own. */

import type { Running } from "../../support/process.ts";

export type Result<Name extends string> = Readonly<Record<Name, number>>;

const LINE = /^\{.*\}$/m;

export function parseResult<Name extends string>(output: string): Result<Name> {
  return JSON.parse(output.match(LINE)![0]) as Result<Name>;
}

/** Of a program that goes on: when it has said it. */
export async function resultOf<Name extends string>(
  running: Running,
  withinMs?: number,
): Promise<Result<Name>> {
  const [line] = await running.logged(LINE, withinMs);
  return JSON.parse(line!) as Result<Name>;
}
