import { assertEquals } from "@std/assert";
import { failures, json, speeds, table } from "../../../src/demo/report.ts";
import type { CheckResult } from "../../../src/demo/result.ts";

const RESULTS: CheckResult[] = [
  { name: "HTTP, IPv4", result: "ok", seen: "200 OK", milliseconds: 3.4 },
  { name: "ping", result: "skip", seen: "not checked: no moon", milliseconds: 0 },
  { name: "upload, IPv4", result: "ok", seen: "much", milliseconds: 1234, bitsPerSecond: 9.876e9 },
  { name: "down", result: "fail", seen: "caf\u00e9\x1b[31m\nline", milliseconds: 999.9 },
];

Deno.test("columns stand under each other, and nothing can break out of them", () => {
  assertEquals(
    table(RESULTS, (_style, text) => text),
    [
      "CHECK         RESULT      TIME  SEEN",
      "HTTP, IPv4    ok        3.4 ms  200 OK",
      "ping          skip      0.0 ms  not checked: no moon",
      "upload, IPv4  ok         1.2 s  much",
      "down          fail    999.9 ms  caf [31m line",
      "",
    ].join("\n"),
  );
});

Deno.test("colours stand around the text, whose width they do not change", () => {
  const painted = table(RESULTS, (style, text) => `<${style}>${text}</>`);
  assertEquals(painted.split("\n")[1], "HTTP, IPv4    <success>ok    </>    3.4 ms  200 OK");
  assertEquals(painted.split("\n")[2]?.includes("<warning>skip  </>"), true);
  assertEquals(painted.split("\n")[4]?.includes("<error>fail  </>"), true);
});

Deno.test("speeds of transfers only", () => {
  assertEquals(speeds(RESULTS), "upload, IPv4   9.88 Gbit/s\n");
  assertEquals(speeds(RESULTS.slice(0, 2)), "");
});

Deno.test("JSON says whether all holds; what was skipped does not count against it", () => {
  assertEquals(JSON.parse(json(RESULTS)), { schemaVersion: 1, ok: false, checks: RESULTS });
  assertEquals(JSON.parse(json(RESULTS.slice(0, 3))).ok, true);
  assertEquals(failures(RESULTS).map(({ name }) => name), ["down"]);
});
