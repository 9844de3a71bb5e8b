import { assertEquals, assertMatch } from "@std/assert";
import { version } from "../../src/version.ts";

Deno.test("the version is that of the project file, and a version", async () => {
  const project = JSON.parse(await Deno.readTextFile(new URL("../../deno.json", import.meta.url)));
  assertEquals(version, project.version);
  assertMatch(version, /^\d+\.\d+\.\d+(-[\w.]+)?$/);
});
