/**
 * The one place that writes escape sequences, and that decides whether to: only if the stream is a
 * terminal, `NO_COLOR` is unset or empty and `TERM` is not `dumb`; `--color` overrules all three.
 */

import type { Environment, StreamName } from "./environment.ts";

export type ColorMode = "auto" | "always" | "never";

export type Style = "error" | "warning" | "hint" | "name" | "success" | "heading" | "dim";

const codes: Record<Style, string> = {
  error: "1;31",
  warning: "1;33",
  hint: "36",
  name: "36",
  success: "32",
  heading: "1",
  dim: "2",
};

/** Puts a style around a text, or gives the text back as it is. */
export type Paint = (style: Style, text: string) => string;

/** How each of the two output streams is painted. */
export interface Terminal {
  out: Paint;
  err: Paint;
}

export function createTerminal(environment: Environment, mode: ColorMode): Terminal {
  return {
    out: painter(wantsColor(environment, "stdout", mode)),
    err: painter(wantsColor(environment, "stderr", mode)),
  };
}

export function wantsColor(
  environment: Environment,
  stream: StreamName,
  mode: ColorMode,
): boolean {
  if (mode !== "auto") return mode === "always";
  return environment.isTerminal(stream) && environment.env("NO_COLOR") === undefined &&
    environment.env("TERM") !== "dumb";
}

function painter(color: boolean): Paint {
  if (!color) return (_style, text) => text;
  return (style, text) => `\x1b[${codes[style]}m${text}\x1b[0m`;
}
