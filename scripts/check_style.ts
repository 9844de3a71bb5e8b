/**
 * Counts what the style guide budgets: function and file lengths, comments, tests against source; and
 * holds the two rules that no linter knows: escape sequences are written in `terminal.ts` only, and only
 * `main.ts` ends the process.
 *
 * A function may be longer than the ceiling where its comment says why: `// long: one state table`.
 */

import { functionsIn } from "./function_lengths.ts";
import {
  code,
  lineAt,
  print,
  readSources,
  report,
  type SourceFile,
  type Violation,
} from "./source_text.ts";

export const FUNCTION_CEILING = 80;
export const FILE_CEILING = 500;
export const TESTS_PER_SOURCE = 0.8;

const PRODUCT = ["main.ts", "src", "ffi"];
const SUPPORT = ["scripts", "tests"];

export interface StyleFigures {
  functionLengths: number[];
  /** Lines that are neither blank nor comment, per file. */
  codeLines: number[];
  commentShare: number;
  testsPerSource: number;
}

/** What breaks a rule in the tree at `root`. */
export function checkStyle(root: string): Violation[] {
  const files = readSources(root, [...PRODUCT, ...SUPPORT]);
  return files.flatMap((file) => [
    ...fileLength(file),
    ...functionLengths(file),
    ...escapes(file),
    ...exits(file),
  ]);
}

function fileLength({ path, text }: SourceFile): Violation[] {
  const lines = countLines(text);
  if (lines <= FILE_CEILING) return [];
  return [{ path, line: FILE_CEILING, message: `${lines} lines: the ceiling is ${FILE_CEILING}` }];
}

function functionLengths({ path, text }: SourceFile): Violation[] {
  const lines = text.split("\n");
  return functionsIn(text)
    .filter(({ line, length }) => length > FUNCTION_CEILING && !excused(lines, line))
    .map(({ line, length }) => ({
      path,
      line,
      message: `a function of ${length} lines: the ceiling is ${FUNCTION_CEILING}`,
    }));
}

/** The reason stands in the comment above the function or at its head. */
function excused(lines: readonly string[], line: number): boolean {
  return lines.slice(Math.max(0, line - 4), line + 2).some((text) =>
    /\/[/*]\s*long: \S/.test(text)
  );
}

function escapes({ path, text }: SourceFile): Violation[] {
  if (!path.startsWith("src/") || path.endsWith("/terminal.ts")) return [];
  return matches(
    path,
    code(text, { strings: true }),
    /\\x1b|\\u001b|\\u\{1b\}|\\033/gi,
    () => {
      return "an escape sequence outside terminal.ts";
    },
  );
}

function exits({ path, text }: SourceFile): Violation[] {
  // A test may have to: one that cannot leave a namespace again must not go on in it.
  if (path === "main.ts" || path.startsWith("tests/")) return [];
  return matches(path, code(text), /\bDeno\s*\.\s*exit\b/g, () => "only main.ts ends the process");
}

function matches(path: string, text: string, pattern: RegExp, say: () => string): Violation[] {
  return [...text.matchAll(pattern)].map((match) => ({
    path,
    line: lineAt(text, match.index),
    message: say(),
  }));
}

/** The figures of the style guide's table for the product's own code. */
export function measure(root: string): StyleFigures {
  const product = readSources(root, PRODUCT);
  const tests = readSources(root, ["tests"]).filter(({ path }) =>
    !path.startsWith("tests/vectors/")
  );
  let comments = 0;
  let filled = 0;
  const codeLines = product.map(({ text }) => {
    const all = countFilled(text);
    const withoutComments = countFilled(code(text, { strings: true }));
    filled += all;
    comments += all - withoutComments;
    return withoutComments;
  });
  return {
    functionLengths: product.flatMap(({ text }) => functionsIn(text).map(({ length }) => length)),
    codeLines,
    commentShare: filled === 0 ? 0 : comments / filled,
    testsPerSource: sumOfLines(tests) / Math.max(1, sumOfLines(product)),
  };
}

function countLines(text: string): number {
  return text.split("\n").length - (text.endsWith("\n") ? 1 : 0);
}

function countFilled(text: string): number {
  return text.split("\n").filter((line) => line.trim() !== "").length;
}

function sumOfLines(files: readonly SourceFile[]): number {
  return files.reduce((sum, { text }) => sum + countLines(text), 0);
}

/** The value that the given share of the values does not exceed. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? 0;
}

function summary(
  { functionLengths, codeLines, commentShare, testsPerSource }: StyleFigures,
): string[] {
  const spread = (values: number[]) =>
    `median ${quantile(values, 0.5)}, p90 ${quantile(values, 0.9)}, max ${quantile(values, 1)}`;
  const verdict = testsPerSource >= TESTS_PER_SOURCE ? "" : `, below ${TESTS_PER_SOURCE}`;
  return [
    `functions: ${functionLengths.length}, lines ${spread(functionLengths)}`,
    `files: ${codeLines.length}, lines of code ${spread(codeLines)}`,
    `comments: ${(commentShare * 100).toFixed(0)} %`,
    `tests: ${testsPerSource.toFixed(2)} × source${verdict}`,
  ];
}

if (import.meta.main) {
  const clean = report(checkStyle(Deno.cwd()));
  for (const line of summary(measure(Deno.cwd()))) print(`style: ${line}`);
  Deno.exitCode = clean ? 0 : 1;
}
