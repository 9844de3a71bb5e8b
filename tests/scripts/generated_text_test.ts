import { assertEquals, assertThrows } from "@std/assert";
import { formatted, withSection } from "../../scripts/generated_text.ts";

const readme = "# A\n<!-- reference:begin -->\nold\n<!-- reference:end -->\n# B\n";

Deno.test("a section takes the place of what is between the markers", () => {
  const expected = "# A\n<!-- reference:begin -->\n\nnew\n\n<!-- reference:end -->\n# B\n";
  assertEquals(withSection(readme, "reference", "new"), expected);
  assertEquals(withSection(expected, "reference", "new"), expected);
});

Deno.test("without markers, or with them in the wrong order, it says so", () => {
  assertThrows(
    () => withSection("# A\n", "reference", "new"),
    Error,
    "there is no <!-- reference:begin -->",
  );
  const reversed = "<!-- reference:end --><!-- reference:begin -->";
  assertThrows(() => withSection(reversed, "reference", "new"), Error);
});

Deno.test("what is generated looks as the formatter leaves it", async () => {
  assertEquals(await formatted('{"a":1}', "json"), '{ "a": 1 }\n');
  const drawn = await formatted("<svg><text>a &lt; b</text></svg>", "svg");
  assertEquals(await formatted(drawn, "svg"), drawn);
});
