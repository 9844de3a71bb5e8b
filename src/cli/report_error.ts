/** How an error is shown: what failed, why, and what helps. */

import { printable, redactUrls } from "../config/quote.ts";
import { Exit, UserError } from "../errors.ts";
import type { Paint } from "./terminal.ts";

/** A chain of causes longer than this is a loop. */
const DEEPEST = 16;

/** The text for stderr. With `stack`, an error that nobody foresaw shows where it came from. */
export function reportError(error: unknown, paint: Paint, stack: boolean): string {
  let text = `${paint("error", "error:")} ${shown(messageOf(error))}\n`;
  for (const cause of causesOf(error)) text += `  Caused by: ${shown(cause)}\n`;
  const hint = error instanceof UserError ? error.hint : unexpectedHint(error, stack);
  if (hint !== undefined) text += `\n${paint("hint", "hint:")} ${printable(hint)}\n`;
  if (stack && !(error instanceof UserError) && error instanceof Error) {
    text += `\n${shown(error.stack ?? "")}\n`;
  }
  return text;
}

/** The exit code that an error stands for. */
export function exitCodeOf(error: unknown): number {
  if (error instanceof UserError) return error.exitCode;
  return error instanceof Deno.errors.PermissionDenied ? Exit.Permission : Exit.Failed;
}

function unexpectedHint(error: unknown, stack: boolean): string | undefined {
  if (stack || !(error instanceof Error)) return undefined;
  return "Run it again with --verbose to see where it failed";
}

function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.message === "" ? error.name : error.message;
}

/** Messages of the causes, outermost first; those of an `AggregateError` side by side. */
function causesOf(error: unknown): string[] {
  const messages: string[] = [];
  let cause = error instanceof Error ? error.cause : undefined;
  for (let depth = 0; cause !== undefined && depth < DEEPEST; depth++) {
    if (cause instanceof AggregateError) messages.push(...cause.errors.map(messageOf));
    else messages.push(messageOf(cause));
    cause = cause instanceof Error ? cause.cause : undefined;
  }
  return messages;
}

/** Safe for a terminal, free of passwords; further lines are indented. */
function shown(text: string): string {
  return redactUrls(text).split("\n").map(printable).join("\n    ");
}
