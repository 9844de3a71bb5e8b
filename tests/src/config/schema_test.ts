import { assert, assertEquals } from "@std/assert";
import { settingTable } from "../../../src/config/definition.ts";
import { configSchema, type Schema } from "../../../src/config/schema.ts";

function find(path: string): Schema | undefined {
  return path.split(".").reduce<Schema | undefined>(
    (schema, name) => schema?.properties?.[name],
    configSchema(),
  );
}

Deno.test("the schema has every key, with its meaning, and refuses others", () => {
  for (const { key, meaning } of settingTable) assertEquals(find(key)?.description, meaning, key);
  assertEquals(configSchema().additionalProperties, false);
  assertEquals(find("limits")?.additionalProperties, false);
});

Deno.test("types, ranges and defaults are the table's", () => {
  assertEquals(find("tun.mtu"), {
    description: "Largest packet of the device, in bytes",
    type: "integer",
    minimum: 1280,
    maximum: 65_535,
    default: 1500,
  });
  assertEquals(find("capture.fwmark")?.default, "0x7a74");
  assertEquals(find("udp")?.enum, ["auto", "off"]);
  assertEquals(find("timeouts.tcpIdle")?.default, "2h");
  assertEquals(find("capture.include")?.type, "array");
  assertEquals(find("capture.include")?.default, undefined);
});

Deno.test("the pattern of durations takes what the parser takes", () => {
  const pattern = new RegExp(String(find("timeouts.dns")?.pattern));
  for (const text of ["500ms", "5s", "2m", "2h30m", "1.5s"]) assert(pattern.test(text), text);
  for (const text of ["5", "5 s", "30m2h", "5x"]) assert(!pattern.test(text), text);
});

Deno.test("ztun.schema.json is what the table gives", async () => {
  const path = new URL("../../../ztun.schema.json", import.meta.url);
  assertEquals(
    JSON.parse(await Deno.readTextFile(path)),
    JSON.parse(JSON.stringify(configSchema())),
  );
});
