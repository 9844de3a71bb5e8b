import { assertEquals } from "@std/assert";
import { ProgressLine } from "../../../src/demo/progress.ts";

Deno.test("says nothing at first, covers what it said before, and is gone in the end", () => {
  let now = 0;
  let shown = "";
  const line = new ProgressLine((text) => shown += text, () => now);
  line.show("early");
  line.clear();
  assertEquals(shown, "");
  now = 300;
  line.show("uploading");
  line.show("ping");
  line.clear();
  line.clear();
  assertEquals(shown, "\ruploading ...\rping ...     \r        \r");
});
