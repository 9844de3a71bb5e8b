import { assert, assertEquals } from "@std/assert";
import { commands } from "../../../../src/cli/commands.ts";
import { complete } from "../../../../src/cli/commands/complete.ts";

/** Candidates without their meanings. */
function offers(...words: string[]): string[] {
  return complete(words, commands).map((line) => line.split("\t")[0] ?? "");
}

Deno.test("commands, but none that is hidden", () => {
  assertEquals(offers("s"), ["socks", "status", "service"]);
  assertEquals(offers("__"), []);
  assert(offers("").includes("exec") && offers().includes("exec"));
  assertEquals(offers("nope", ""), []);
});

Deno.test("flags of the command, with their meaning, once each", () => {
  assertEquals(offers("up", "--off"), ["--offload"]);
  assertEquals(offers("up", "--offload", "auto", "--off"), []);
  assertEquals(offers("up", "--include", "10.0.0.0/8", "--incl"), ["--include"]);
  assertEquals(complete(["up", "--mt"], commands), [
    "--mtu\tLargest packet of the device, in bytes",
  ]);
});

Deno.test("values behind a space or an equals sign", () => {
  assertEquals(offers("up", "--offload", ""), ["auto", "off"]);
  assertEquals(offers("up", "--log-level=e"), ["--log-level=error"]);
  assertEquals(offers("up", "--config", "x"), [":files"]);
  assertEquals(offers("up", "--config=x"), [":files"]);
  assertEquals(offers("up", "--mtu", ""), []);
  assertEquals(offers("up", "--nope="), []);
});

Deno.test("behind exec's flags comes another command line", () => {
  assertEquals(offers("exec", "--mtu=1400", "cu"), [":command"]);
  assertEquals(offers("exec", "--mtu=1400", "curl", "--h"), [":command"]);
  assertEquals(offers("exec", "--", "-"), [":command"]);
  assertEquals(offers("exec", "--socks", "h:1", "--ping", ""), ["answer", "refuse"]);
});

Deno.test("positionals", () => {
  assertEquals(offers("completion", ""), ["bash", "zsh", "fish"]);
  assertEquals(offers("completion", "bash", ""), []);
  assertEquals(offers("help", "ex"), ["exec", "exit-codes"]);
  assertEquals(offers("check", ""), [":files"]);
});
