import { assert, assertEquals } from "@std/assert";
import { Exit, UserError } from "../../src/errors.ts";

Deno.test("a user error has a hint and an exit code only when told", () => {
  const plain = new UserError("Cannot do that");
  assertEquals([plain.name, plain.message], ["UserError", "Cannot do that"]);
  assertEquals([plain.hint, plain.exitCode], [undefined, Exit.Failed]);
  assert(!("cause" in plain));
  const cause = new Error("below");
  const full = new UserError("x", { hint: "ztun help", exitCode: Exit.Usage, cause });
  assertEquals([full.hint, full.exitCode, full.cause], ["ztun help", 2, cause]);
  assert(full instanceof Error);
});

Deno.test("exit codes are the documented ones", () => {
  const { Ok, Failed, Usage, NotRunning, Permission, NotExecutable, NotFound, Interrupted } = Exit;
  assertEquals([Ok, Failed, Usage, NotRunning, Permission], [0, 1, 2, 3, 4]);
  assertEquals([NotExecutable, NotFound, Interrupted], [126, 127, 130]);
});
