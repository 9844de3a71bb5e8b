/** The demo's results as a table, or as JSON. */

import type { CheckResult } from "./result.ts";

export const SCHEMA_VERSION = 1;

/** Puts a style around a text: what is good, bad, or neither, and the head of the table. */
export type Paint = (style: "success" | "error" | "warning" | "heading", text: string) => string;

const STYLES = { ok: "success", fail: "error", skip: "warning" } as const;

/** What was seen stands last: of all columns, only it has no width of its own. */
export function table(results: readonly CheckResult[], paint: Paint): string {
  const name = widest(["CHECK", ...results.map((result) => result.name)]);
  const time = widest(["TIME", ...results.map((result) => duration(result.milliseconds))]);
  const row = (check: string, result: string, took: string, seen: string) =>
    `${check.padEnd(name)}  ${result}  ${took.padStart(time)}  ${seen}\n`;
  const head = row("CHECK", "RESULT", "TIME", "SEEN").trimEnd();
  const rows = results.map(({ name, result, milliseconds, seen }) =>
    row(name, paint(STYLES[result], result.padEnd(6)), duration(milliseconds), printable(seen))
  );
  return `${paint("heading", head)}\n${rows.join("")}`;
}

/** The speed of each transfer, one line each; empty when there was none. */
export function speeds(results: readonly CheckResult[]): string {
  const measured = results.filter((result) => result.bitsPerSecond !== undefined);
  const name = widest(measured.map((result) => result.name));
  return measured
    .map((result) => `${result.name.padEnd(name)}  ${gigabits(result.bitsPerSecond)} Gbit/s\n`)
    .join("");
}

export function json(results: readonly CheckResult[]): string {
  const ok = failures(results).length === 0;
  return `${JSON.stringify({ schemaVersion: SCHEMA_VERSION, ok, checks: results }, null, 2)}\n`;
}

export function failures(results: readonly CheckResult[]): CheckResult[] {
  return results.filter(({ result }) => result === "fail");
}

function duration(milliseconds: number): string {
  if (milliseconds >= 1000) return `${(milliseconds / 1000).toFixed(1)} s`;
  return `${milliseconds.toFixed(1)} ms`;
}

function gigabits(bitsPerSecond = 0): string {
  return (bitsPerSecond / 1e9).toFixed(2).padStart(5);
}

function widest(texts: readonly string[]): number {
  return Math.max(0, ...texts.map((text) => text.length));
}

/** One line of plain ASCII, whatever an error of the system's may say. */
function printable(text: string): string {
  return text.replace(/[^ -~]+/g, " ").trim();
}
