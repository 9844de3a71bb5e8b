import { assertEquals } from "@std/assert";
import { LineLog } from "../../src/log.ts";
import { configureLogging, resetLogging } from "../../src/log/output.ts";

function written(body: (log: LineLog) => void, level: "debug" | "warning" = "debug"): string[] {
  const lines: string[] = [];
  configureLogging({ level, format: "text" }, {
    write: (line) => void lines.push(line.replace(/^\S+ /, "")),
    paint: (_style, text) => text,
  });
  try {
    body(new LineLog(["ztun", "host"]));
  } finally {
    resetLogging();
  }
  return lines;
}

Deno.test("line log: what is in braces stays as it is", () => {
  const command = "[#] nft 'add set x { type ipv4_addr; elements = { 192.0.2.1 } }' {line} {{}}";
  const [line, warning] = written((log) => {
    log.debug(command);
    log.warn("somebody wrote {password}");
  });
  assertEquals(line?.endsWith(`${command}\n`) || line?.endsWith(command), true, line);
  assertEquals(warning?.includes("somebody wrote {password}"), true, warning);
});

Deno.test("line log: below the level nothing is written, and before a target is set neither", () => {
  assertEquals(written((log) => log.debug("no"), "warning"), []);
  assertEquals(written((log) => log.warn("yes"), "warning").length, 1);
  new LineLog(["ztun", "host"]).warn("nobody hears this");
});
