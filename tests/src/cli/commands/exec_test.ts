/** What `ztun exec` refuses before it makes anything; `tests/src/host/exec_test.ts` runs commands. */

import { assertEquals, assertStringIncludes } from "@std/assert";
import { run } from "../../../../src/cli/run.ts";
import { Exit } from "../../../../src/errors.ts";
import { FakeEnvironment } from "../fake_environment.ts";

async function exec(...args: string[]) {
  const environment = new FakeEnvironment();
  const code = await run(["exec", ...args], environment);
  assertEquals(environment.stdout, "");
  assertEquals(environment.listeners.size, 0);
  return { code, err: environment.stderr };
}

Deno.test("exec without a proxy is a usage error that says how to give one", async () => {
  const { code, err } = await exec("--", "true");
  assertEquals(code, Exit.Usage);
  assertStringIncludes(err, "--socks");
});

Deno.test("exec without a command is a usage error", async () => {
  assertEquals((await exec("--socks=127.0.0.1:1080")).code, Exit.Usage);
  assertEquals((await exec("--socks=127.0.0.1:1080", "--")).code, Exit.Usage);
});

Deno.test("exec takes no routes and no descriptor: the namespace is its own", async () => {
  for (const flag of ["--include=10.0.0.0/8", "--tun-fd=3", "--workers=2"]) {
    const { code, err } = await exec("--socks=127.0.0.1:1080", flag, "--", "true");
    assertEquals(code, Exit.Usage);
    assertStringIncludes(err, flag.split("=")[0]!);
  }
});
