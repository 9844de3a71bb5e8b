import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { realEnvironment } from "../../../../src/cli/environment.ts";
import { UserError } from "../../../../src/errors.ts";
import { runCommand } from "../../../../src/host/changes/run_command.ts";
import { serviceProgram } from "../../../../src/host/service/program.ts";

Deno.test("a compiled program is its own, and asks nobody", async () => {
  const never = () => Promise.reject(new Error("run"));
  assertEquals(await serviceProgram(["/usr/bin/ztun"], never), {
    words: ["/usr/bin/ztun"],
    environment: {},
  });
});

Deno.test("from source, the directory with the packages goes along", async () => {
  const words = realEnvironment().selfCommand();
  const program = await serviceProgram(words, runCommand);
  assertEquals(program.words, words);
  assertEquals(program.environment.DENO_NO_UPDATE_CHECK, "1");
  const child = new Deno.Command(words[0]!, {
    args: [...words.slice(1), "version"],
    // As systemd starts it.
    clearEnv: true,
    cwd: "/",
    env: { ...program.environment },
  });
  const { code, stdout, stderr } = await child.output();
  assertEquals(code, 0, new TextDecoder().decode(stderr));
  assertStringIncludes(new TextDecoder().decode(stdout), "ztun ");
});

Deno.test("a Deno that does not say where its packages are is an error", async () => {
  const run = () => Promise.resolve({ code: 1, stdout: "", stderr: "no\n" });
  const error = await assertRejects(() => serviceProgram(["/d", "main.ts"], run), UserError);
  assertEquals((error.cause as Error).message, "no");
});
