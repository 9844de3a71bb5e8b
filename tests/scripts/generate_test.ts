import { assertEquals, assertThrows } from "@std/assert";
import { withReference } from "../../scripts/generate.ts";

const readme = "# A\n<!-- reference:begin -->\nold\n<!-- reference:end -->\n# B\n";

Deno.test("the reference takes the place of what is between the markers", () => {
  const expected = "# A\n<!-- reference:begin -->\n\nnew\n\n<!-- reference:end -->\n# B\n";
  assertEquals(withReference(readme, "new"), expected);
  assertEquals(withReference(expected, "new"), expected);
});

Deno.test("without markers, or with them in the wrong order, it says so", () => {
  assertThrows(() => withReference("# A\n", "new"), Error, "has no <!-- reference:begin -->");
  const reversed = "<!-- reference:end --><!-- reference:begin -->";
  assertThrows(() => withReference(reversed, "new"), Error);
});
