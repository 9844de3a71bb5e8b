import { assertEquals, assertStringIncludes } from "@std/assert";
import { closeFd, socketPair } from "../../../../ffi/fd_passing_linux.ts";
import { run } from "../../../../src/cli/run.ts";
import { Exit } from "../../../../src/errors.ts";
import { FakeEnvironment } from "../fake_environment.ts";

async function inside(...args: string[]) {
  const environment = new FakeEnvironment();
  const code = await run(["__inside", ...args], environment);
  return { code, err: environment.stderr };
}

Deno.test("whoever starts the inner half by hand is sent to exec", async () => {
  for (const args of [[], ["3"], ["x", "true"], ["-1", "true"], ["--help"], ["", "true"]]) {
    const { code, err } = await inside(...args);
    assertEquals(code, Exit.Usage);
    assertStringIncludes(err, "hint: `ztun help exec`");
  }
});

Deno.test("the inner half ends when the outer one has gone before it said what to do", async () => {
  const [outer, inner] = socketPair();
  closeFd(outer);
  assertEquals(await inside(String(inner), "true"), { code: Exit.Failed, err: "" });
  closeFd(inner);
});
