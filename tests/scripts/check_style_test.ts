import { assertEquals } from "@std/assert";
import {
  checkStyle,
  FILE_CEILING,
  FUNCTION_CEILING,
  measure,
  quantile,
} from "../../scripts/check_style.ts";
import { functionsIn } from "../../scripts/function_lengths.ts";
import { withTree } from "../support/tree.ts";

function check(files: Record<string, string>): string[] {
  return withTree(files, checkStyle).map(({ path, line, message }) => `${path}:${line} ${message}`);
}

/** A function of so many lines. */
function longFunction(lines: number): string {
  return `function f(): void {\n${"  g();\n".repeat(lines - 2)}}\n`;
}

Deno.test("style: functions, methods and arrows are measured from header to closing brace", () => {
  const source = [
    "class A {",
    "  method(",
    "    a: { b: number },",
    "  ): { c: number } {",
    "    if (a) {",
    "      return a;",
    "    }",
    "    return [1].map((x) => {",
    "      return x;",
    "    });",
    "  }",
    "}",
    "export async function named(): Promise<void> {",
    "  const text = `{ ${[1].map(() => { return 2; })} `;",
    "  const regex = /[/{]\\/{/;",
    "}",
  ].join("\n");
  assertEquals(functionsIn(source), [
    { line: 8, length: 3 },
    { line: 2, length: 10 },
    { line: 14, length: 1 },
    { line: 13, length: 4 },
  ]);
});

Deno.test("style: a function over the ceiling needs a reason", () => {
  const tooLong = FUNCTION_CEILING + 1;
  assertEquals(check({ "src/a.ts": longFunction(FUNCTION_CEILING) }), []);
  assertEquals(check({ "src/a.ts": longFunction(tooLong) }), [
    `src/a.ts:1 a function of ${tooLong} lines: the ceiling is ${FUNCTION_CEILING}`,
  ]);
  assertEquals(check({ "src/a.ts": `// long: one state table\n${longFunction(tooLong)}` }), []);
});

Deno.test("style: a file over the ceiling is named, in tests too", () => {
  const text = "// x\n".repeat(FILE_CEILING + 1);
  assertEquals(check({ "tests/src/a_test.ts": text, "src/b.ts": "// x\n".repeat(FILE_CEILING) }), [
    `tests/src/a_test.ts:${FILE_CEILING} ${FILE_CEILING + 1} lines: the ceiling is ${FILE_CEILING}`,
  ]);
});

Deno.test("style: escape sequences belong to terminal.ts, ending the process to main.ts", () => {
  const escape = 'export const red = "\\x1b[31m"; // \\x1b in words is free\n';
  assertEquals(check({ "src/cli/terminal.ts": escape, "src/cli/help.ts": escape }), [
    "src/cli/help.ts:1 an escape sequence outside terminal.ts",
  ]);
  const exit = 'Deno.exit(1);\nconst said = "Deno.exit";\n';
  assertEquals(check({ "main.ts": exit, "src/engine/a.ts": exit }), [
    "src/engine/a.ts:1 only main.ts ends the process",
  ]);
});

Deno.test("style: the figures count code, comments and tests", () => {
  const figures = withTree({
    "src/a.ts": "/** why */\nfunction f() {\n  return 1; // here\n}\n\n",
    "tests/src/a_test.ts": "f();\nf();\n",
    "tests/vectors/big.ts": "f();\n".repeat(99),
  }, measure);
  assertEquals(figures, {
    functionLengths: [3],
    codeLines: [3],
    commentShare: 0.25,
    testsPerSource: 0.4,
  });
});

Deno.test("style: a quantile is a value that occurs", () => {
  assertEquals([0.5, 0.9, 1].map((share) => quantile([5, 1, 4, 2, 3], share)), [3, 5, 5]);
  assertEquals(quantile([], 0.5), 0);
});
