import { assertEquals, assertStringIncludes } from "@std/assert";
import { exitCodeOf, reportError } from "../../../src/cli/report_error.ts";
import { Exit, UserError } from "../../../src/errors.ts";

const plain = (_style: string, text: string) => text;

Deno.test("problems side by side are causes side by side", () => {
  const cause = new AggregateError([new Error("one"), new Error("two")]);
  assertEquals(
    reportError(new UserError("Cannot use f", { cause }), plain, false),
    "error: Cannot use f\n  Caused by: one\n  Caused by: two\n",
  );
});

Deno.test("passwords and control characters do not reach the terminal", () => {
  const error = new UserError("from socks5://alice:hunter2@h\x1b[2J", {
    cause: new Error("socks5://alice:hunter2@h"),
  });
  assertEquals(
    reportError(error, plain, false),
    "error: from socks5://***@h\\u001b[2J\n  Caused by: socks5://***@h\n",
  );
});

Deno.test("an unforeseen error has a stack for those who ask, and a hint for the others", () => {
  const error = new TypeError("x is undefined");
  assertStringIncludes(reportError(error, plain, false), "--verbose");
  assertStringIncludes(reportError(error, plain, true), "report_error_test.ts");
  assertEquals(reportError("thrown text", plain, false), "error: thrown text\n");
});

Deno.test("a chain of causes that bites its tail ends", () => {
  const error = new Error("loop");
  error.cause = error;
  assertEquals(reportError(error, plain, false).split("Caused by").length, 17);
});

Deno.test("exit codes", () => {
  assertEquals(exitCodeOf(new UserError("x")), Exit.Failed);
  assertEquals(exitCodeOf(new UserError("x", { exitCode: Exit.NotRunning })), Exit.NotRunning);
  assertEquals(exitCodeOf(new Deno.errors.PermissionDenied("x")), Exit.Permission);
  assertEquals(exitCodeOf(new TypeError("x")), Exit.Failed);
});
