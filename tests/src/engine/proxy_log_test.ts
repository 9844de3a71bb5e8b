/** One line for each kind of trouble, however often it comes. */

import { assertEquals } from "@std/assert";
import { ProxyLog } from "../../../src/engine/proxy_log.ts";
import { getLogger } from "../../../src/log.ts";
import { configureLogging, resetLogging } from "../../../src/log/output.ts";

function withLog(body: (log: ProxyLog) => void): string[] {
  const lines: string[] = [];
  configureLogging({ level: "info", format: "text" }, {
    write: (line) => void lines.push(line.replace(/^\S+ (\w+) *\w+: /, "$1 ").trim()),
    paint: (_style, text) => text,
  });
  try {
    body(new ProxyLog(getLogger(["ztun", "engine"]), "192.0.2.1:1080"));
  } finally {
    resetLogging();
  }
  return lines;
}

Deno.test("the same kind is said once, and again after a while with a count", () => {
  const lines = withLog((log) => {
    for (let now = 0; now < 10_000; now += 100) log.failure("closed", "it closed", now);
    log.failure("closed", "it closed", 10_000);
    log.failure("closed", "it closed", 20_000);
  });
  assertEquals(lines, [
    "warning Proxy 192.0.2.1:1080: it closed",
    "warning Proxy 192.0.2.1:1080: it closed (99 more since)",
    "warning Proxy 192.0.2.1:1080: it closed",
  ]);
});

Deno.test("another kind has a line of its own", () => {
  const lines = withLog((log) => {
    log.failure("closed", "it closed", 0);
    log.failure("timeout", "it hangs", 0);
  });
  assertEquals(lines.length, 2);
});

Deno.test("that it is back is said once, and then trouble is new again", () => {
  const reached: boolean[] = [];
  const lines = withLog((log) => {
    reached.push(log.reached());
    log.unreachable("refused", 0);
    log.unreachable("refused", 1);
    reached.push(log.reached(), log.reached());
    log.unreachable("refused", 2);
  });
  assertEquals(reached, [false, true, false]);
  assertEquals(lines, [
    "warning Proxy 192.0.2.1:1080: refused",
    "info Proxy 192.0.2.1:1080: reachable again",
    "warning Proxy 192.0.2.1:1080: refused",
  ]);
});

Deno.test("details are for those who ask for them", () => {
  assertEquals(withLog((log) => log.detail("a connection was reset")), []);
});
