import { assertEquals } from "@std/assert";
import { Cancellation } from "../../../src/engine/cancellation.ts";

Deno.test("whoever listens hears of a cancellation, once", () => {
  const heard: string[] = [];
  const wish = new Cancellation();
  wish.listen(() => heard.push("first"));
  wish.listen(() => heard.push("second"));
  assertEquals(wish.isCancelled, false);
  wish.cancel();
  wish.cancel();
  assertEquals([wish.isCancelled, heard], [true, ["second"]]);
});

Deno.test("nobody has to listen, or to listen on", () => {
  const wish = new Cancellation();
  wish.listen(() => {
    throw new Error("not any more");
  });
  wish.listen(undefined);
  wish.cancel();
  assertEquals(wish.isCancelled, true);
});
