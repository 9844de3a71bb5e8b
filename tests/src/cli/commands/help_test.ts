import { assertEquals, assertStringIncludes } from "@std/assert";
import { run } from "../../../../src/cli/run.ts";
import { Exit } from "../../../../src/errors.ts";
import { FakeEnvironment } from "../fake_environment.ts";

async function help(...args: string[]) {
  const environment = new FakeEnvironment();
  const code = await run(["help", ...args], environment);
  return { code, out: environment.stdout, err: environment.stderr };
}

Deno.test("help shows commands and topics", async () => {
  assertStringIncludes((await help("exec")).out, "ztun exec [flags]");
  assertStringIncludes((await help("help")).out, "ztun help [COMMAND | TOPIC]");
  assertStringIncludes((await help("exit-codes")).out, "130");
  assertStringIncludes((await help("environment")).out, "ZTUN_PASSWORD");
});

Deno.test("help for what does not exist names the nearest; hidden commands have none", async () => {
  const { code, out, err } = await help("exce");
  assertEquals([code, out], [Exit.Usage, ""]);
  assertStringIncludes(err, 'No help for "exce"; did you mean exec?');
  assertEquals((await help("__complete")).code, Exit.Usage);
});
