import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { getLogger, type Logger } from "../../../src/log.ts";
import { configureLogging, resetLogging } from "../../../src/log/output.ts";

const plain = (_style: string, text: string) => text;

/** The lines that `body` logs, without their time. */
function lines(
  body: (log: Logger) => void,
  format: "text" | "json" = "text",
  level: "trace" | "info" | "error" = "trace",
): string[] {
  let written = "";
  const write = (text: string) => {
    written += text;
  };
  configureLogging({ level, format }, { write, paint: plain });
  try {
    body(getLogger(["ztun", "test"]));
  } finally {
    resetLogging();
  }
  assertEquals(written === "" || written.endsWith("\n"), true);
  return written.split("\n").slice(0, -1).map((line) => line.replace(/^\S+Z /, ""));
}

Deno.test("a text line has time, level, area, message and what the message did not say", () => {
  let written = "";
  configureLogging({ level: "info", format: "text" }, {
    write: (text) => written += text,
    paint: plain,
  });
  getLogger(["ztun", "test"]).warn("Proxy {host} refused", { host: "192.0.2.1", tries: 3 });
  resetLogging();
  assertMatch(
    written,
    /^\d{4}-\d\d-\d\dT[\d:.]+Z warning test: Proxy 192\.0\.2\.1 refused tries=3\n$/,
  );
});

Deno.test("values with spaces, quotes and control characters stay one value on one line", () => {
  const [line, ...more] = lines((log) => {
    log.info("got {text}", { text: "a\nb\x1b[2J", note: 'say "hi"', list: [1, 2], big: 5n });
  });
  assertEquals(more, []);
  assertEquals(line, 'info    test: got a\\nb\\u001b[2J note="say \\"hi\\"" list=[1,2] big=5');
});

Deno.test("the level is what the settings say", () => {
  assertEquals(
    lines(
      (log) => {
        log.debug("no");
        log.info("no");
        log.error("yes");
      },
      "text",
      "error",
    ),
    ["error   test: yes"],
  );
});

Deno.test("JSON lines have the same in fields", () => {
  const [line = ""] = lines((log) => log.info("Proxy {host} ok", { host: "h", ms: 5 }), "json");
  const { time, ...rest } = JSON.parse(line);
  assertMatch(time, /^\d{4}-.*Z$/);
  assertEquals(rest, {
    level: "info",
    area: "test",
    message: "Proxy h ok",
    data: { host: "h", ms: 5 },
  });
});

Deno.test("errors are their messages, cycles do not throw", () => {
  const error = new Error("outer", { cause: new Error("inner") });
  const cycle: Record<string, unknown> = {};
  cycle.self = cycle;
  const logged = lines((log) => log.error("Failed: {error}", { error, cycle }));
  assertEquals(logged, ['error   test: Failed: outer: inner cycle="[object Object]"']);
});

Deno.test("secrets are hidden in both formats, wherever they stand", () => {
  for (const format of ["text", "json"] as const) {
    const [line = ""] = lines((log) => {
      log.info("with {password} by socks5://alice:hunter2@h", {
        password: "hunter2",
        proxy: { user: "alice", password: "hunter2" },
        url: "socks5://alice:hunter2@h:1",
        error: new Error("at socks5://alice:hunter2@h"),
      });
    }, format);
    assertEquals(line.includes("hunter2"), false, line);
    assertStringIncludes(line, "(hidden)");
  }
});

Deno.test("nothing is written before it is configured, or after it is reset", () => {
  const log = getLogger(["ztun", "test"]);
  log.error("nobody hears");
  assertEquals(lines(() => {}), []);
  assertEquals(log.isEnabledFor("error"), false);
});
