import { assert, assertEquals } from "@std/assert";
import { settingTable } from "../../../src/config/definition.ts";
import { defaultText, isCredential, settingAt } from "../../../src/config/load.ts";
import { defaultSettings } from "../../../src/config/settings.ts";
import { formatValue, parseText, type Value } from "../../../src/config/values.ts";

/** Paths of all members that are no sections. */
function leaves(value: object, prefix = ""): string[] {
  return Object.entries(value).flatMap(([name, member]) => {
    const isSection = typeof member === "object" && member !== null && !Array.isArray(member) &&
      !("port" in member);
    return isSection ? leaves(member, `${prefix}${name}.`) : [`${prefix}${name}`];
  });
}

Deno.test("the table and Settings have the same members", () => {
  const keys = settingTable.map(({ key }) => key).filter((key) => !isCredential(key));
  const members = leaves(defaultSettings()).filter((key) => key !== "proxy" && !isCredential(key));
  assertEquals(keys.toSorted(), members.toSorted());
});

Deno.test("keys and variables are unique; flags are, within what one command can take", () => {
  for (const name of ["key", "env"] as const) {
    const all = settingTable.map((setting) => setting[name]);
    assertEquals(new Set(all).size, all.length, name);
  }
  const flags = settingTable.filter(({ group }) => group !== "server").map(({ flag }) => flag);
  const named = flags.filter((flag) => flag !== undefined);
  assertEquals(new Set(named).size, named.length);
});

Deno.test("every variable begins with ZTUN_, and no secret has a flag", () => {
  for (const { env, type, flag } of settingTable) {
    assert(/^ZTUN_[A-Z_]+$/.test(env), env);
    if (type.kind === "secret") assertEquals(flag, undefined);
  }
});

Deno.test("every default is a value that the table itself would accept", () => {
  for (const setting of settingTable) {
    if (isCredential(setting.key) || setting.otherwise !== undefined) continue;
    const value = settingAt(defaultSettings(), setting.key) as Value;
    if (Array.isArray(value)) {
      assertEquals(value.map((item) => String(parseText(setting, item))), value, setting.key);
    } else {
      assertEquals(parseText(setting, formatValue(setting.type, value)), value, setting.key);
    }
  }
});

Deno.test("what the help shows as default", () => {
  const shown = Object.fromEntries(settingTable.map((s) => [s.key, defaultText(s)]));
  assertEquals(shown["timeouts.tcpIdle"], "2h");
  assertEquals(shown["limits.totalBytes"], "256MiB");
  assertEquals(shown["socks.listen"], "127.0.0.1:1080");
  assertEquals(shown["earlyAccept"], "");
  assertEquals(shown["proxy.password"], "");
});
