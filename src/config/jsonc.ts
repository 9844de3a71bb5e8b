/**
 * JSON with comments and trailing commas, read into nodes that know where they stand.
 *
 * Duplicate names are kept, because only the reader can report them beside its own findings. The text
 * may be anything at all: whatever it is, this returns nodes or throws a `JsoncError`, in time that
 * grows with its length, and in bounded depth.
 */

export type JsonNode =
  | { kind: "object"; at: number; members: JsonMember[] }
  | { kind: "array"; at: number; items: JsonNode[] }
  | { kind: "scalar"; at: number; value: string | number | boolean | null };

export interface JsonMember {
  name: string;
  /** Where the name starts. */
  at: number;
  value: JsonNode;
}

export interface Place {
  line: number;
  column: number;
}

/** Text that is not JSON with comments. */
export class JsoncError extends Error {
  override readonly name = "JsoncError";
  readonly place: Place;

  constructor(message: string, place: Place) {
    super(message);
    this.place = place;
  }
}

const DEEPEST = 64;

/** Reads the whole text as one value. */
export function parseJsonc(text: string): JsonNode {
  return new Parser(text).parse();
}

/** Line and column of an offset, both from 1, as editors count them. */
export function placeOf(text: string, at: number): Place {
  let line = 1;
  let start = 0;
  for (let next = text.indexOf("\n"); next >= 0 && next < at; next = text.indexOf("\n", start)) {
    line++;
    start = next + 1;
  }
  return { line, column: at - start + 1 };
}

/** The plain value, as `JSON.parse` would give it: of two equal names the last one counts. */
export function toValue(node: JsonNode): unknown {
  if (node.kind === "scalar") return node.value;
  if (node.kind === "array") return node.items.map(toValue);
  return Object.fromEntries(node.members.map((member) => [member.name, toValue(member.value)]));
}

const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const WORD = /[A-Za-z_$][\w$]*/y;
// deno-lint-ignore no-control-regex -- JSON forbids them inside a text.
const PLAIN = /[^"\\\x00-\x1f]*/y;
const BLANK = /[ \t\r\n]*/y;

const escapes: Readonly<Record<string, string>> = {
  '"': '"',
  "\\": "\\",
  "/": "/",
  b: "\b",
  f: "\f",
  n: "\n",
  r: "\r",
  t: "\t",
};

const words: Readonly<Record<string, boolean | null>> = { true: true, false: false, null: null };

class Parser {
  readonly #text: string;
  #at: number;

  constructor(text: string) {
    this.#text = text;
    // A byte order mark is what some editors leave; it means nothing.
    this.#at = text.startsWith("\ufeff") ? 1 : 0;
  }

  parse(): JsonNode {
    const node = this.#value(0);
    this.#skip();
    if (this.#at < this.#text.length) throw this.#error("Expected nothing more after the value");
    return node;
  }

  #value(depth: number): JsonNode {
    this.#skip();
    const at = this.#at;
    const next = this.#text[at];
    if (depth > DEEPEST) throw this.#error(`Nested more than ${DEEPEST} deep`);
    if (next === "{") return this.#object(depth);
    if (next === "[") return this.#array(depth);
    if (next === '"') return { kind: "scalar", at, value: this.#string() };
    const number = this.#match(NUMBER);
    if (number !== "") return { kind: "scalar", at, value: this.#number(number, at) };
    return { kind: "scalar", at, value: this.#word() };
  }

  #object(depth: number): JsonNode {
    const at = this.#at++;
    const members: JsonMember[] = [];
    while (!this.#closes("}", at, members.length)) {
      if (this.#text[this.#at] !== '"') throw this.#error('Expected a name in " or }');
      const nameAt = this.#at;
      const name = this.#string();
      this.#skip();
      if (this.#text[this.#at] !== ":") throw this.#error("Expected : after the name");
      this.#at++;
      members.push({ name, at: nameAt, value: this.#value(depth + 1) });
    }
    return { kind: "object", at, members };
  }

  #array(depth: number): JsonNode {
    const at = this.#at++;
    const items: JsonNode[] = [];
    while (!this.#closes("]", at, items.length)) items.push(this.#value(depth + 1));
    return { kind: "array", at, items };
  }

  /** Stands before an item or the end: takes the end, or the comma that must follow an item. */
  #closes(end: "}" | "]", openedAt: number, itemsBefore: number): boolean {
    this.#skip();
    if (itemsBefore > 0 && this.#text[this.#at] === ",") {
      this.#at++;
      this.#skip();
    } else if (itemsBefore > 0 && this.#at < this.#text.length && this.#text[this.#at] !== end) {
      throw this.#error(`Expected , or ${end}`);
    }
    if (this.#at >= this.#text.length) {
      throw this.#error(`${end === "}" ? "Object" : "List"} is not closed`, openedAt);
    }
    if (this.#text[this.#at] !== end) return false;
    this.#at++;
    return true;
  }

  #string(): string {
    const start = this.#at++;
    let value = "";
    while (true) {
      value += this.#match(PLAIN);
      const next = this.#text[this.#at];
      if (next === '"') break;
      if (next !== "\\") throw this.#error("Text is not closed on its line", start);
      value += this.#escape();
    }
    this.#at++;
    return value;
  }

  #escape(): string {
    const letter = this.#text[this.#at + 1] ?? "";
    const simple = Object.hasOwn(escapes, letter) ? escapes[letter] : undefined;
    if (simple !== undefined) {
      this.#at += 2;
      return simple;
    }
    const digits = this.#text.slice(this.#at + 2, this.#at + 6);
    if (letter !== "u" || !/^[0-9a-fA-F]{4}$/.test(digits)) throw this.#error("Unknown escape");
    this.#at += 6;
    return String.fromCharCode(parseInt(digits, 16));
  }

  #number(text: string, at: number): number {
    if (/[\w.]/.test(this.#text[this.#at] ?? "")) throw this.#error("Malformed number", at);
    return Number(text);
  }

  #word(): boolean | null {
    const at = this.#at;
    const word = this.#match(WORD);
    const value = Object.hasOwn(words, word) ? words[word] : undefined;
    if (value === undefined) throw this.#error("Expected a value", at);
    return value;
  }

  /** Blanks and comments. */
  #skip(): void {
    while (true) {
      this.#match(BLANK);
      if (this.#text.startsWith("//", this.#at)) {
        const end = this.#text.indexOf("\n", this.#at);
        this.#at = end < 0 ? this.#text.length : end;
      } else if (this.#text.startsWith("/*", this.#at)) {
        const end = this.#text.indexOf("*/", this.#at + 2);
        if (end < 0) throw this.#error("Comment is not closed");
        this.#at = end + 2;
      } else return;
    }
  }

  #match(pattern: RegExp): string {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#text)?.[0] ?? "";
    this.#at += found.length;
    return found;
  }

  #error(message: string, at = this.#at): JsoncError {
    return new JsoncError(message, placeOf(this.#text, at));
  }
}
