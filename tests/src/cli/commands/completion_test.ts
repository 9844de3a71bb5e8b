import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { run } from "../../../../src/cli/run.ts";
import { Exit } from "../../../../src/errors.ts";
import { FakeEnvironment } from "../fake_environment.ts";

async function completion(...args: string[]) {
  const environment = new FakeEnvironment();
  const code = await run(["completion", ...args], environment);
  return { code, out: environment.stdout, err: environment.stderr };
}

Deno.test("each shell has a script that asks ztun itself", async () => {
  for (const shell of ["bash", "zsh", "fish"]) {
    const { code, out } = await completion(shell);
    assertEquals(code, Exit.Ok);
    assertStringIncludes(out, "__complete");
    for (const directive of [":files", ":command"]) assertStringIncludes(out, directive);
  }
});

Deno.test("an unknown shell names the nearest", async () => {
  const { code, err } = await completion("fis");
  assertEquals(code, Exit.Usage);
  assertStringIncludes(err, 'Unknown shell "fis"; did you mean fish?');
});

/** Runs the script in bash, with a `ztun` that gives fixed candidates, and prints what it offers. */
async function inBash(line: string, candidates: string): Promise<string> {
  const { out } = await completion("bash");
  const script = `ztun() { printf -- '${candidates}'; }
compopt() { :; }
COMP_WORDBREAKS=" =:"
${out}
COMP_LINE=$1; COMP_POINT=\${#1}; _ztun; printf '%s\\n' "\${COMPREPLY[@]}"`;
  const { stdout, stderr } = await new Deno.Command("bash", {
    args: ["--norc", "-c", script, "bash", line],
  }).output();
  assertEquals(new TextDecoder().decode(stderr), "");
  return new TextDecoder().decode(stdout);
}

Deno.test("the bash script offers candidates without meanings, and what is behind = only", async () => {
  assertEquals(await inBash("ztun s", "socks\\tServe\\nstatus\\tShow\\n"), "socks\nstatus\n");
  assertEquals(await inBash("ztun up --udp=o", "--udp=off\\n"), "off\n");
});

Deno.test("the bash script leaves files and commands to bash", async () => {
  assertStringIncludes(await inBash("ztun check /etc/pass", ":files\\n"), "/etc/passwd\n");
  assert((await inBash("ztun exec -- ech", ":command\\n")).split("\n").includes("echo"));
});
