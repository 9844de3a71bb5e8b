/**
 * TypeScript as text, for the checkers: which files there are, and their code without comments and
 * strings. A scanner instead of a parser, because it needs no package and the formatter keeps the input
 * regular.
 */

export interface SourceFile {
  /** Relative to the root, with forward slashes. */
  path: string;
  text: string;
}

/** All TypeScript files below `root` in the named files and folders, sorted; what is absent is left out. */
export function readSources(root: string, entries: readonly string[]): SourceFile[] {
  const paths: string[] = [];
  for (const entry of entries) collect(root, entry, paths);
  return paths.sort().map((path) => ({ path, text: Deno.readTextFileSync(`${root}/${path}`) }));
}

function collect(root: string, path: string, into: string[]): void {
  const info = statOrUndefined(`${root}/${path}`);
  if (info?.isFile && path.endsWith(".ts")) into.push(path);
  if (!info?.isDirectory) return;
  for (const entry of Deno.readDirSync(`${root}/${path}`)) {
    if (entry.name !== "node_modules") collect(root, `${path}/${entry.name}`, into);
  }
}

function statOrUndefined(path: string): Deno.FileInfo | undefined {
  try {
    return Deno.statSync(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

/** What `code` keeps of the text; the rest becomes spaces, so that lines and columns stay. */
export interface Kept {
  strings: boolean;
}

/**
 * The text with comments, and on request strings and regular expressions, blanked. Code inside `${…}`
 * of a template stays.
 */
export function code(text: string, keep: Kept = { strings: false }): string {
  return new Scanner(text, keep.strings).run();
}

class Scanner {
  readonly #text: string;
  readonly #keepStrings: boolean;
  readonly #out: string[] = [];
  /** For each open template expression, how many braces were open when it began. */
  readonly #templates: number[] = [];
  #braces = 0;
  #at = 0;

  constructor(text: string, keepStrings: boolean) {
    this.#text = text;
    this.#keepStrings = keepStrings;
  }

  run(): string {
    while (this.#at < this.#text.length) this.#step();
    return this.#out.join("");
  }

  #step(): void {
    const char = this.#text[this.#at]!;
    const next = this.#text[this.#at + 1];
    if (char === "/" && next === "/") return this.#skip(this.#endOf(/\n/g, 0), false);
    if (char === "/" && next === "*") return this.#skip(this.#endOf(/\*\//g, 2), false);
    if (char === '"' || char === "'") return this.#skip(this.#endOfQuoted(char), this.#keepStrings);
    if (char === "`") return this.#template();
    if (char === "/" && this.#regexMayStart()) {
      return this.#skip(this.#endOfRegex(), this.#keepStrings);
    }
    if (char === "{") this.#braces++;
    if (char === "}") {
      if (this.#templates.at(-1) === this.#braces) {
        this.#templates.pop();
        return this.#template();
      }
      this.#braces--;
    }
    this.#out.push(char);
    this.#at++;
  }

  /** From a backtick, or the brace that closes an expression, to the next expression or the end. */
  #template(): void {
    let end = this.#at + 1;
    while (end < this.#text.length) {
      const char = this.#text[end]!;
      if (char === "\\") end++;
      else if (char === "`") return this.#skip(end + 1, this.#keepStrings);
      else if (char === "$" && this.#text[end + 1] === "{") {
        this.#templates.push(this.#braces);
        return this.#skip(end + 2, this.#keepStrings);
      }
      end++;
    }
    this.#skip(end, this.#keepStrings);
  }

  #skip(end: number, keep: boolean): void {
    const part = this.#text.slice(this.#at, end);
    this.#out.push(keep ? part : part.replace(/[^\n]/g, " "));
    this.#at = end;
  }

  #endOf(pattern: RegExp, beyond: number): number {
    pattern.lastIndex = this.#at + 2;
    const match = pattern.exec(this.#text);
    return match === null ? this.#text.length : match.index + beyond;
  }

  #endOfQuoted(quote: string): number {
    let end = this.#at + 1;
    while (end < this.#text.length && this.#text[end] !== quote && this.#text[end] !== "\n") {
      end += this.#text[end] === "\\" ? 2 : 1;
    }
    return end + 1;
  }

  #endOfRegex(): number {
    let end = this.#at + 1;
    let inClass = false;
    while (end < this.#text.length && (inClass || this.#text[end] !== "/")) {
      const char = this.#text[end];
      if (char === "[") inClass = true;
      if (char === "]") inClass = false;
      end += char === "\\" ? 2 : 1;
    }
    return end + 1;
  }

  /** A slash divides after a value, and opens a regular expression everywhere else. */
  #regexMayStart(): boolean {
    let before = this.#at - 1;
    while (before >= 0 && /\s/.test(this.#text[before]!)) before--;
    if (before < 0) return true;
    if (/[\w$)\]}"'`]/.test(this.#text[before]!)) {
      return /\b(return|case|typeof|in|of)$/.test(
        this.#text.slice(Math.max(0, before - 8), before + 1),
      );
    }
    return true;
  }
}

/** The one-based line of an offset. */
export function lineAt(text: string, offset: number): number {
  let line = 1;
  for (let at = text.indexOf("\n"); at !== -1 && at < offset; at = text.indexOf("\n", at + 1)) {
    line++;
  }
  return line;
}

export interface Violation {
  path: string;
  line: number;
  message: string;
}

/** `file:line: message` for each, on standard output; says whether there was none. */
export function report(violations: readonly Violation[]): boolean {
  for (const { path, line, message } of violations) print(`${path}:${line}: ${message}`);
  return violations.length === 0;
}

export function print(line: string): void {
  Deno.stdout.writeSync(new TextEncoder().encode(`${line}\n`));
}
