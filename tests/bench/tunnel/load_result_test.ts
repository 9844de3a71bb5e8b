import { assertEquals } from "@std/assert";
import { parseResult } from "./load_result.ts";

Deno.test("the result of a load program stands on a line of its own", () => {
  assertEquals(parseResult<"sent">('warning {x}\n{"sent":5}\n'), { sent: 5 });
});
