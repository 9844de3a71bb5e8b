import { assertEquals } from "@std/assert";
import { getLogger, type Logger, type LogRecord, setLogTarget } from "../../../src/log.ts";
import { forwardLogging } from "../../../src/log/forward.ts";
import { configureLogging, emitRecord, resetLogging } from "../../../src/log/output.ts";

/** The records that another thread would send. */
function records(body: (log: Logger) => void, level: "debug" | "warning" = "debug"): LogRecord[] {
  const sent: LogRecord[] = [];
  forwardLogging({ level, format: "text" }, (record) => sent.push(record));
  try {
    body(getLogger(["ztun", "engine"]));
  } finally {
    setLogTarget(undefined);
  }
  return sent;
}

/** Lines as the main thread writes them, without their time. */
function written(body: () => void): string[] {
  const lines: string[] = [];
  configureLogging({ level: "debug", format: "text" }, {
    write: (line) => void lines.push(line.replace(/^\S+ /, "")),
    paint: (_style, text) => text,
  });
  try {
    body();
  } finally {
    resetLogging();
  }
  return lines;
}

const CASES: readonly (readonly [string, Record<string, unknown>?])[] = [
  ["plain"],
  ["Proxy {proxy}: {message}{times}", { proxy: "192.0.2.1:1080", message: "gone", times: "" }],
  ["{first} and { last }", { first: 1, last: [2, 3] }],
  ["more than is said", { host: "192.0.2.1", password: "secret" }],
  ["nobody knows {this}"],
];

Deno.test("a line reads the same, whichever thread has said it", () => {
  for (const [message, properties] of CASES) {
    const say = (log: Logger) => log.warn(message, properties);
    const forwarded = records(say);
    assertEquals(
      written(() => forwarded.forEach(emitRecord)),
      written(() => say(getLogger(["ztun", "engine"]))),
    );
  }
});

Deno.test("what is below the level is not sent", () => {
  const sent = records((log) => {
    log.debug("no");
    log.info("no");
    log.warn("yes");
    log.error("yes");
    assertEquals([log.isEnabledFor("info"), log.isEnabledFor("warning")], [false, true]);
  }, "warning");
  assertEquals(sent.map(({ level, rawMessage }) => [level, rawMessage]), [
    ["warning", "yes"],
    ["error", "yes"],
  ]);
});

Deno.test("a record can be sent to another thread", () => {
  const [record] = records((log) => log.info("Proxy {host}", { host: "192.0.2.1" }));
  assertEquals(structuredClone(record), record);
});
