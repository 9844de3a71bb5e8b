import { assertEquals } from "@std/assert";
import { gist } from "./gist.ts";

Deno.test("gist: the line that speaks of an error, else the last", () => {
  assertEquals(gist("starting\nerror: no device\n  at line 3\n"), "error: no device");
  assertEquals(gist("one\n\n  two  \n\n"), "two");
  assertEquals(
    gist("a: error: Uncaught (in promise) Error: no answer\n  at x.ts:1"),
    "a: no answer",
  );
  assertEquals(gist(""), "");
});
