import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { commandLine, variable } from "../../../../src/host/service/unit_words.ts";
import { readWords, withoutSpecifiers, withoutVariables } from "../../../reference/unit_words.ts";

/** The words that the program gets. */
function readCommand(line: string): string[] {
  const [program, ...args] = readWords(line).map(withoutSpecifiers);
  return [program!, ...args.map(withoutVariables)];
}

Deno.test("words that are nothing special stand as they are", () => {
  const line = "/usr/bin/ztun up --socks=[2001:db8::1]:1080 --include=@/etc/list,x";
  assertEquals(commandLine(line.split(" ")), line);
});

Deno.test("what systemd would read as something else is written so that it does not", () => {
  assertEquals(commandLine(["/opt/a b/ztun"]), '"/opt/a b/ztun"');
  assertEquals(commandLine(["/z", "100%", "%h"]), "/z 100%% %%h");
  assertEquals(commandLine(["/z", "$HOME", "${A}"]), "/z $$HOME $${A}");
  assertEquals(commandLine(["/z", "it's", 'a"b', "a\\b"]), '/z "it\'s" "a\\"b" "a\\\\b"');
  assertEquals(commandLine(["/z", "", ";", "a\nb\t"]), '/z "" ";" "a\\x0ab\\x09"');
  assertEquals(variable("DENO_DIR", "/a b/$c/50%"), '"DENO_DIR=/a b/$c/50%%"');
});

Deno.test("the path of the program keeps its dollar: systemd replaces none there", () => {
  assertEquals(commandLine(["/opt/$a/ztun", "$a"]), "/opt/$a/ztun $$a");
});

const text = fc.string({ unit: "binary", maxLength: 30 })
  .filter((text) => !text.includes("\0") && text.isWellFormed());
const nasty = fc.string({
  unit: fc.constantFrom(..."%$\"'\\; \n\t\r\x7f\x80\u2028\u00a0aä€𝄞-=@x41{}()"),
  maxLength: 12,
});

Deno.test("every command comes back as it was, on one line", () => {
  fc.assert(fc.property(fc.array(fc.oneof(text, nasty), { maxLength: 6 }), (args) => {
    const line = commandLine(["/usr/bin/ztun", ...args]);
    assertEquals(line.includes("\n"), false);
    assertEquals(readCommand(line), ["/usr/bin/ztun", ...args]);
  }));
});

Deno.test("every variable comes back as it was", () => {
  fc.assert(fc.property(fc.oneof(text, nasty), (value) => {
    assertEquals(readWords(variable("A", value)).map(withoutSpecifiers), [`A=${value}`]);
  }));
});
