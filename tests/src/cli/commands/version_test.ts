import { assertEquals, assertMatch } from "@std/assert";
import project from "../../../../deno.json" with { type: "json" };
import { run } from "../../../../src/cli/run.ts";
import { FakeEnvironment } from "../fake_environment.ts";

async function version(...args: string[]): Promise<string> {
  const environment = new FakeEnvironment();
  assertEquals(await run(args, environment), 0);
  return environment.stdout;
}

Deno.test("version says what is running, on one line", async () => {
  const text = await version("version");
  assertMatch(text, /^ztun \d+\.\d+\.\d+ \(deno [\d.]+, v8 \S+, \S+\)\n$/);
  assertEquals(await version("--version"), text);
  assertEquals(await version("-V"), text);
});

Deno.test("version --json", async () => {
  const value = JSON.parse(await version("version", "--json"));
  assertEquals(value.schemaVersion, 1);
  assertEquals(value.ztun, project.version);
  assertEquals(value.target, Deno.build.target);
});
