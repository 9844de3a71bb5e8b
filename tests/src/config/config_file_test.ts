import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import fc from "fast-check";
import { parseConfig } from "../../../src/config/config_file.ts";
import { settingTable } from "../../../src/config/definition.ts";
import { Exit, UserError } from "../../../src/errors.ts";

/** Every line of the error that a text gives. */
function problems(text: string): string[] {
  const error = assertThrows(() => parseConfig("ztun.json", text), UserError);
  assertEquals(error.exitCode, Exit.Usage);
  if (!(error.cause instanceof AggregateError)) return [error.message];
  return error.cause.errors.map((one: Error) => one.message);
}

Deno.test("a file sets values of every kind", () => {
  const values = parseConfig(
    "ztun.json",
    `{ "$schema": "./ztun.schema.json",
      "tun": { "mtu": 9000, "addresses": [] },
      "capture": { "include": ["10.0.0.0/8"], "routes": true, "fwmark": "0x10" },
      "timeouts": { "dns": "1s" }, "earlyAccept": true, "socks": { "udp": false } }`,
  );
  assertEquals(Object.fromEntries(values), {
    "tun.mtu": 9000,
    "tun.addresses": [],
    "capture.include": ["10.0.0.0/8"],
    "capture.routes": true,
    "capture.fwmark": 16,
    "timeouts.dns": 1000,
    "earlyAccept": true,
    "socks.udp": false,
  });
});

Deno.test("all problems are reported at once, each with line and column", () => {
  const text = `{
  "tunn": {},
  "tun": { "mtu": "9", "mtuu": 3, "mtu": 4 },
  "mtu": 1500,
  "dns": { "servers": "192.0.2.1" },
  "limits": [],
  "log": { "level": {} },
}`;
  assertEquals(problems(text), [
    'ztun.json:2:3: Unknown key "tunn"; did you mean "tun"?',
    'ztun.json:3:19: "tun.mtu": must be a number, without quotation marks',
    'ztun.json:3:24: Unknown key "mtuu" in "tun"; did you mean "mtu"?',
    'ztun.json:3:35: "mtu" is given twice',
    'ztun.json:4:3: Unknown key "mtu"; did you mean "tun.mtu"?',
    'ztun.json:5:23: "dns.servers" must be a list: [ ]',
    'ztun.json:6:13: "limits" must be an object: { }',
    'ztun.json:7:21: "log.level" must be one value, not object',
  ]);
});

Deno.test("one problem is the message itself", () => {
  assertEquals(problems("[]"), ["ztun.json:1:1: The file must be an object: { }"]);
  assertEquals(problems('{\n"tun": }'), ["ztun.json:2:8: Expected a value"]);
});

Deno.test("a value of the wrong type is named, a secret is not shown", () => {
  assertEquals(problems('{"timeouts": {"dns": 5}}'), [
    'ztun.json:1:22: "timeouts.dns": a duration needs a unit ("5s" for seconds)',
  ]);
  const shown = problems(
    '{"proxy": {"url": "socks5://a:hunter2@h:0", "password": ["hunter2"], "user": 5}}',
  );
  assertEquals(shown.length, 3);
  assertEquals(shown.join().includes("hunter2"), false);
});

Deno.test("a name with a dot is no path", () => {
  assertStringIncludes(problems('{"tun.mtu": 1500}')[0] ?? "", 'Unknown key "tun.mtu"');
});

Deno.test("keys of Object's prototype are unknown keys", () => {
  for (const name of ["__proto__", "constructor", "toString"]) {
    assertStringIncludes(problems(`{"${name}": 1, "tun": {"${name}": 1}}`).join(), "Unknown key");
  }
});

Deno.test("a hopeless file is answered in bounded time and length", () => {
  const members = Array.from({ length: 20_000 }, (_, i) => `"k${i}": 1`).join(",\n");
  assertEquals(problems(`{${members}}`).length, 50);
  assertStringIncludes(problems(" ".repeat((1 << 20) + 1))[0] ?? "", "larger than 1 MiB");
});

const word = fc.constantFrom(
  ...settingTable.flatMap(({ key }) => key.split(".")),
  "$schema",
  "__proto__",
);
const document = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 3 },
    fc.jsonValue({ maxDepth: 1 }),
    tie("object"),
    fc.constantFrom("5s", "1MiB", "10.0.0.0/8", 1500, true),
  ),
  object: fc.dictionary(word, tie("value")),
})).object;

Deno.test("property: any object is read, or refused with a UserError", () => {
  fc.assert(
    fc.property(document, (value) => {
      try {
        parseConfig("f", JSON.stringify(value));
      } catch (error) {
        if (!(error instanceof UserError)) throw error;
      }
    }),
    { numRuns: 1_000 },
  );
});
