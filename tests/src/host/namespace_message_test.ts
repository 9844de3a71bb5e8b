import { assert, assertEquals } from "@std/assert";
import { Exit, UserError } from "../../../src/errors.ts";
import {
  decode,
  encode,
  errorFromWire,
  errorToWire,
  type InsideReport,
} from "../../../src/host/namespace_message.ts";

function across(error: unknown): Error {
  const report = decode<InsideReport>(encode({ kind: "error", error: errorToWire(error) }));
  if (report.kind !== "error") throw new Error("Another kind arrived");
  return errorFromWire(report.error);
}

Deno.test("an error that a user can mend arrives whole", () => {
  const cause = new Error("middle", { cause: new TypeError("deepest") });
  const options = { cause, hint: "`do this`", exitCode: Exit.Permission };
  const error = across(new UserError("Cannot", options));
  if (!(error instanceof UserError)) throw new Error("Not a UserError");
  assertEquals([error.message, error.hint, error.exitCode], ["Cannot", "`do this`", 4]);
  assertEquals((error.cause as Error).message, "middle");
  assertEquals(((error.cause as Error).cause as Error).message, "deepest");
  assertEquals(across(new UserError("Plain")).cause, undefined);
});

Deno.test("any other error keeps its message and where it came from", () => {
  const original = new TypeError("a bug");
  const error = across(original);
  assert(!(error instanceof UserError));
  assertEquals([error.message, error.stack], ["a bug", original.stack]);
  assertEquals(across("thrown text").message, "thrown text");
});
