import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { fill, table } from "../../../src/cli/text_layout.ts";

const plain = (_style: string, text: string) => text;

Deno.test("columns are aligned; a wide name has a line of its own", () => {
  const wide = "x".repeat(40);
  assertEquals(table([["a", "one"], ["bcd", "two"]], 2, plain), ["  a    one", "  bcd  two"]);
  assertEquals(table([["a", "one"], [wide, "two"]], 0, plain), [
    `a${" ".repeat(33)}one`,
    wide,
    `${" ".repeat(34)}two`,
  ]);
});

Deno.test("styles do not shift columns", () => {
  const loud = (_style: string, text: string) => `<${text}>`;
  assertEquals(table([["a", "one"], ["bcd", "two"]], 0, loud), ["<a>    one", "<bcd>  two"]);
});

Deno.test("property: filling keeps every word and stays within the page", () => {
  const word = fc.string({ unit: fc.constantFrom("a", "b", "é"), minLength: 1, maxLength: 20 });
  fc.assert(fc.property(fc.array(word, { minLength: 1 }), fc.nat(8), (words, indent) => {
    const text = fill(words.join(" "), indent);
    assertEquals(text.split(/\s+/).filter((part) => part !== ""), words);
    for (const line of text.split("\n")) assert(line.length <= 96);
  }));
});
