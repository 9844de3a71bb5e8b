import { assertEquals, assertThrows } from "@std/assert";
import { Errno, SysError } from "../../../ffi/libc.ts";
import { Exit, UserError } from "../../../src/errors.ts";
import { kindOf, printing, quote, stepFailure } from "../../../src/host/change.ts";

Deno.test("a step that failed is named, with what helps", () => {
  const denied = [
    new SysError("RTM_NEWRULE", Errno.EPERM),
    new Deno.errors.PermissionDenied("open '/etc/resolv.conf'"),
  ];
  for (const cause of denied) {
    const error = stepFailure("add a rule", "ip rule add", cause);
    assertEquals(error.message, "Cannot add a rule");
    assertEquals(error.exitCode, Exit.Permission);
    assertEquals(error.hint, "Run the same command as root, with `sudo` in front");
    assertEquals(error.cause, cause);
  }
  const other = stepFailure("add a rule", "ip rule add", new Error("no"));
  assertEquals(other.exitCode, Exit.Failed);
  assertEquals(other.hint, "See what `sudo sh -c 'ip rule add'` says");
  const own = stepFailure("add a rule", "ip rule add", new UserError("no", { hint: "Do this" }));
  assertEquals(own.hint, "Do this");
});

Deno.test("a word is quoted where a shell would read something else", () => {
  const words = ["/etc/resolv.conf", "198.18.0.2", "a b", "it's", "", "~.", "$HOME"];
  const args = ["-c", `for w in ${words.map(quote).join(" ")}; do printf '%s\\n' "$w"; done`];
  const { stdout } = new Deno.Command("sh", { args }).outputSync();
  assertEquals(new TextDecoder().decode(stdout), words.map((word) => `${word}\n`).join(""));
  assertEquals(quote("fd7a::1"), "fd7a::1");
});

Deno.test("a text is printed by one line of shell", () => {
  for (const text of ["", "\n", "one\ntwo words\n\n", "no end", "100%s\\n\n"]) {
    assertEquals(printing(text).includes("\n"), false);
    const { stdout } = new Deno.Command("sh", { args: ["-c", printing(text)] }).outputSync();
    assertEquals(new TextDecoder().decode(stdout), text);
  }
});

Deno.test("a kind is found by its own name only", () => {
  for (const kind of ["none", "toString"]) {
    assertThrows(() => kindOf({}, { kind }), TypeError, `kind "${kind}"`);
  }
});
