/** Columns and paragraphs of plain text, as wide as a page of the help. */

import type { Paint } from "./terminal.ts";

const WIDTH = 96;
/** A first column wider than this gets a line of its own. */
const WIDEST = 32;

/** Two columns; what does not fit beside is continued below. */
export function table(
  rows: readonly (readonly [string, string])[],
  indent: number,
  paint: Paint,
): string[] {
  const widest = Math.min(WIDEST, Math.max(0, ...rows.map(([name]) => name.length)));
  const at = indent + widest + 2;
  return rows.flatMap(([name, text]) => {
    const lines = wrap(text, WIDTH - at).map((line) => " ".repeat(at) + line);
    const head = " ".repeat(indent) + paint("name", name);
    if (name.length > widest) return [head, ...lines];
    const gap = " ".repeat(at - indent - name.length);
    return [head + gap + (lines[0] ?? "").trimStart(), ...lines.slice(1)].map((line) => {
      return line.trimEnd();
    });
  });
}

/** A paragraph, broken at spaces. */
export function fill(text: string, indent: number): string {
  const margin = " ".repeat(indent);
  return wrap(text, WIDTH - indent).map((line) => margin + line).join("\n");
}

function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ")) {
    if (line !== "" && line.length + 1 + word.length > width) {
      lines.push(line);
      line = word;
    } else line = line === "" ? word : `${line} ${word}`;
  }
  return [...lines, line];
}
