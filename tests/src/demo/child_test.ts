import { assertEquals, assertRejects } from "@std/assert";
import { Child, ChildEnded } from "../../../src/demo/child.ts";

function start(script: string): Child<unknown> {
  return new Child({ name: "part", command: ["sh", "-c", script], env: {}, verbose: false });
}

Deno.test("says things, goes on, and ends with its input", async () => {
  const child = start(`echo '{"a":1}'; echo '[2'; echo careful >&2; cat`);
  assertEquals(await child.next(), { a: 1 });
  await assertRejects(() => child.next(), SyntaxError);
  assertEquals(await child.close(), "careful\n");
});

Deno.test("a part that ends early is an error, with its code and its words", async () => {
  const child = start("echo 'error: no' >&2; exit 4");
  const error = await assertRejects(() => child.next(), ChildEnded, "part ended with exit code 4");
  assertEquals([error.code, error.said], [4, "error: no\n"]);
  await assertRejects(() => child.close(), ChildEnded);
  await child.kill();
});

Deno.test("killed, it is gone, and so is what it would have said", async () => {
  const child = start("echo 1; exec sleep 1000");
  assertEquals(await child.next(), 1);
  await child.kill();
  await assertRejects(() => Deno.stat(`/proc/${child.pid}`), Deno.errors.NotFound);
  await child.kill();
});
