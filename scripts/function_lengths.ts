/**
 * Where functions begin and how long they are, by matching braces. What opens a body is decided by the
 * text in front of the brace: an arrow, or a parameter list that no control keyword owns.
 */

import { code, lineAt } from "./source_text.ts";

export interface FoundFunction {
  /** One-based line of the header. */
  line: number;
  /** Lines from the header to the closing brace, both included. */
  length: number;
}

interface Open {
  kind: "function" | "type" | "other";
  headerAt: number;
}

/** Every function, method and arrow function with a body, in the order they end. */
export function functionsIn(source: string): FoundFunction[] {
  const text = code(source);
  const found: FoundFunction[] = [];
  const open: Open[] = [];
  let headerAt = 0;
  for (let at = 0; at < text.length; at++) {
    const char = text[at];
    if (char !== "{" && char !== "}" && char !== ";") continue;
    let nextHeader = at + 1;
    if (char === "{") open.push(opened(text, headerAt, at));
    if (char === "}") {
      const closed = open.pop();
      if (closed?.kind === "function") found.push(spanned(text, closed.headerAt, at));
      // A type written as an object ends with a brace of its own: the header goes on behind it.
      if (closed?.kind === "type") nextHeader = closed.headerAt;
    }
    headerAt = nextHeader;
  }
  return found;
}

function spanned(text: string, from: number, to: number): FoundFunction {
  const line = lineAt(text, from);
  return { line, length: lineAt(text, to) - line + 1 };
}

function opened(text: string, headerAt: number, at: number): Open {
  const header = text.slice(headerAt, at);
  return {
    kind: kindOf(header.trim()),
    headerAt: headerAt + (header.length - header.trimStart().length),
  };
}

const CONTROL = /^(?:\}\s*)?(?:else\s+)?(?:if|for|while|switch|catch|with)\b/;
const DECLARATION =
  /^(?:export\s+)?(?:default\s+)?(?:abstract\s+)?(?:class|interface|namespace|enum)\b/;

function kindOf(header: string): Open["kind"] {
  if (header.endsWith("=>")) return "function";
  if (/[:<|&]$/.test(header) && (/\)\s*:[^;=]*$/.test(header) || insideParentheses(header))) {
    return "type";
  }
  if (CONTROL.test(header) || DECLARATION.test(header)) return "other";
  return /\)\s*(?::[^=;]+)?$/.test(header) ? "function" : "other";
}

function insideParentheses(header: string): boolean {
  return header.split("(").length > header.split(")").length;
}
