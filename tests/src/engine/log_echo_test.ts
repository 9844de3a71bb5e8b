import { assertEquals } from "@std/assert";
import { LogEcho } from "../../../src/engine/log_echo.ts";
import type { LogRecord } from "../../../src/log.ts";

function record(text: string, timestamp: number, level: LogRecord["level"] = "info"): LogRecord {
  const message = ["The proxy ", text, ""];
  return { category: ["ztun"], level, message, rawMessage: "", timestamp, properties: {} };
}

Deno.test("what one engine has said, the others are not heard with", () => {
  const echo = new LogEcho();
  assertEquals(echo.isEcho(record("relays UDP", 0), 1), false);
  assertEquals(echo.isEcho(record("relays UDP", 5), 0), true);
  assertEquals(echo.isEcho(record("relays UDP", 9_999), 2), true);
});

Deno.test("something else, or as grave as it was not before, is heard", () => {
  const echo = new LogEcho();
  assertEquals(echo.isEcho(record("relays UDP", 0), 0), false);
  assertEquals(echo.isEcho(record("does not relay UDP", 1), 1), false);
  assertEquals(echo.isEcho(record("relays UDP", 2, "warning"), 1), false);
});

Deno.test("an engine may repeat itself, and later all may", () => {
  const echo = new LogEcho();
  assertEquals(echo.isEcho(record("is down", 0), 0), false);
  assertEquals(echo.isEcho(record("is down", 1), 0), false);
  assertEquals(echo.isEcho(record("is down", 10_001), 1), false);
  assertEquals(echo.isEcho(record("is down", 10_002), 0), true);
});

Deno.test("details are each engine's own", () => {
  const echo = new LogEcho();
  for (const level of ["debug", "trace"] as const) {
    for (const engine of [0, 1]) {
      assertEquals(echo.isEcho(record("refused it", 0, level), engine), false);
    }
  }
});

Deno.test("of many texts the last ones are known", () => {
  const echo = new LogEcho();
  for (let i = 0; i < 1_000; i++) echo.isEcho(record(`${i}`, i), 0);
  assertEquals(echo.isEcho(record("0", 1_000), 1), false);
  assertEquals(echo.isEcho(record("999", 1_000), 1), true);
});
