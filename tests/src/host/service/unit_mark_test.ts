import { assertEquals } from "@std/assert";
import { marked, ownerOf } from "../../../../src/host/service/unit_mark.ts";

Deno.test("a unit is known by its first line, and an altered one by its sum", async () => {
  const unit = await marked("[Unit]\nDescription=x\n");
  assertEquals(unit.split("\n").slice(1), ["[Unit]", "Description=x", ""]);
  assertEquals(await ownerOf(unit), "ztun");
  assertEquals(await ownerOf(`${unit}#\n`), "altered");
  assertEquals(await ownerOf(unit.replace("=x", "=y")), "altered");
  assertEquals(await ownerOf(unit.split("\n")[0]!), "altered");
  assertEquals(await ownerOf("[Unit]\nDescription=x\n"), "other");
  assertEquals(await ownerOf(""), "other");
});
