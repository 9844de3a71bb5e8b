import { assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { JsoncError, parseJsonc, placeOf, toValue } from "../../../src/config/jsonc.ts";

function read(text: string): unknown {
  return toValue(parseJsonc(text));
}

function placeOfError(text: string): [number, number, string] {
  const { place, message } = assertThrows(() => parseJsonc(text), JsoncError);
  return [place.line, place.column, message];
}

Deno.test("jsonc reads comments, trailing commas and a byte order mark", () => {
  const text = `\ufeff// first
  { /* in /* the middle */ "a": [1, 2,], // at the end
    "b": { "c": null, },
  } // last`;
  assertEquals(read(text), { a: [1, 2], b: { c: null } });
});

Deno.test("jsonc does not take a comment out of a text", () => {
  assertEquals(read('["// no", "/* no */"]'), ["// no", "/* no */"]);
});

Deno.test("jsonc says where a value stands", () => {
  const text = '{\n  "a": 1,\n  "b": [true]\n}';
  const node = parseJsonc(text);
  if (node.kind !== "object") throw new Error("not an object");
  assertEquals(node.members.map(({ at }) => placeOf(text, at)), [
    { line: 2, column: 3 },
    { line: 3, column: 3 },
  ]);
  assertEquals(node.members.map(({ value }) => placeOf(text, value.at)), [
    { line: 2, column: 8 },
    { line: 3, column: 8 },
  ]);
});

Deno.test("jsonc keeps duplicate names for the reader to report", () => {
  const node = parseJsonc('{"a": 1, "a": 2}');
  assertEquals(node.kind === "object" && node.members.length, 2);
  assertEquals(toValue(node), { a: 2 });
});

Deno.test("jsonc points at what is wrong", () => {
  assertEquals(placeOfError(""), [1, 1, "Expected a value"]);
  assertEquals(placeOfError("{"), [1, 1, "Object is not closed"]);
  assertEquals(placeOfError("\n [1"), [2, 2, "List is not closed"]);
  assertEquals(placeOfError("[1 2]"), [1, 4, "Expected , or ]"]);
  assertEquals(placeOfError('{"a" 1}'), [1, 6, "Expected : after the name"]);
  assertEquals(placeOfError("{a: 1}"), [1, 2, 'Expected a name in " or }']);
  assertEquals(placeOfError('{"a": 1,, }'), [1, 9, 'Expected a name in " or }']);
  assertEquals(placeOfError('["x\n"]'), [1, 2, "Text is not closed on its line"]);
  assertEquals(placeOfError('"\\x"'), [1, 2, "Unknown escape"]);
  assertEquals(placeOfError("{} {}"), [1, 4, "Expected nothing more after the value"]);
  assertEquals(placeOfError("[01]"), [1, 2, "Malformed number"]);
  assertEquals(placeOfError("[1.]"), [1, 2, "Malformed number"]);
  assertEquals(placeOfError("[] /* never"), [1, 4, "Comment is not closed"]);
  assertEquals(placeOfError("[,]"), [1, 2, "Expected a value"]);
  assertEquals(placeOfError("[toString]"), [1, 2, "Expected a value"]);
});

Deno.test("jsonc never shows what stands in a text", () => {
  const { message } = assertThrows(() => parseJsonc('{"password": "hunter2'), JsoncError);
  assertEquals(message.includes("hunter2"), false);
});

Deno.test("jsonc bounds the depth", () => {
  assertEquals(placeOfError("[".repeat(100_000))[2], "Nested more than 64 deep");
  assertEquals(placeOfError('{"a":'.repeat(100_000))[2], "Nested more than 64 deep");
  const deep = "[".repeat(64) + "]".repeat(64);
  assertEquals(read(deep), JSON.parse(deep));
});

Deno.test("jsonc: a name like __proto__ is an ordinary one", () => {
  const value = read('{"__proto__": {"polluted": 1}}') as Record<string, unknown>;
  assertEquals(Object.hasOwn(value, "__proto__"), true);
  assertEquals(({} as Record<string, unknown>).polluted, undefined);
});

Deno.test("property: jsonc reads what JSON.stringify writes, however indented", () => {
  fc.assert(fc.property(fc.jsonValue(), fc.nat(4), (value, indent) => {
    const text = JSON.stringify(value, null, indent);
    assertEquals(read(text), JSON.parse(text));
  }));
});

/** JSON with a character removed, doubled or replaced: near enough to get deep into the parser. */
const mutated = fc.tuple(
  fc.jsonValue({ maxDepth: 4 }).map((value) => JSON.stringify(value)),
  fc.array(
    fc.tuple(fc.nat(), fc.constantFrom("", '"', "{", "}", "[", "]", ",", ":", "\\", "/", "*", "1")),
    { maxLength: 4 },
  ),
).map(([text, edits]) => {
  return edits.reduce((edited, [position, insert]) => {
    const at = position % (edited.length + 1);
    return edited.slice(0, at) + insert + edited.slice(at + (insert === "" ? 1 : 0));
  }, text);
});

Deno.test("property: on any text jsonc gives a value or throws its own error", () => {
  fc.assert(
    fc.property(fc.oneof(mutated, fc.string({ unit: "binary" })), (text) => {
      let ours: unknown;
      try {
        ours = read(text);
      } catch (error) {
        if (!(error instanceof JsoncError)) throw error;
        // What it refuses, JSON refuses: JSON with comments is a superset.
        assertThrows(() => JSON.parse(text), SyntaxError);
        return;
      }
      let theirs: unknown;
      try {
        theirs = JSON.parse(text);
      } catch {
        return;
      }
      assertEquals(ours, theirs);
    }),
    { numRuns: 3_000 },
  );
});
