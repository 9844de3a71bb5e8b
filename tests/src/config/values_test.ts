import { assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { findSetting, type Setting, settingTable } from "../../../src/config/definition.ts";
import { ValueError } from "../../../src/config/units.ts";
import { formatValue, parseJson, parseText, parseTextList } from "../../../src/config/values.ts";

function setting(key: string): Setting {
  const found = findSetting(key);
  if (found === undefined) throw new Error(`No setting ${key}`);
  return found;
}

function refuses(key: string, text: string, message?: string): void {
  assertThrows(() => parseText(setting(key), text), ValueError, message, `${key} ${text}`);
}

Deno.test("numbers are whole and in range", () => {
  assertEquals(parseText(setting("tun.mtu"), "1500"), 1500);
  refuses("tun.mtu", "1279", "1279 is out of range (1280 to 65535)");
  refuses("tun.mtu", "1e4", "whole number");
  refuses("tun.mtu", "", "whole number");
  refuses("tun.fd", "-1", "out of range");
  refuses("timeouts.dns", "25d", "out of range (100ms to 24d)");
  refuses("limits.totalBytes", "1MiB", "1MiB is out of range (8MiB to 2GiB)");
});

Deno.test("choices name the nearest", () => {
  const error = assertThrows(() => parseText(setting("log.level"), "warn"), ValueError);
  assertEquals(error.message, '"warn" is not one of trace, debug, info, warning, error');
  refuses("tun.offload", "AUTO", "not one of");
});

Deno.test("devices have names that the kernel takes", () => {
  assertEquals(parseText(setting("tun.name"), "ztun0"), "ztun0");
  for (const name of ["", ".", "..", "a/b", "a b", "a:b", "tun%d", "x".repeat(16), "ü"]) {
    refuses("tun.name", name, "no name for a device");
  }
});

Deno.test("what is included are networks or their file, addresses need not be", () => {
  assertEquals(parseText(setting("capture.include"), "10.0.0.0/8"), "10.0.0.0/8");
  assertEquals(parseText(setting("capture.include"), "192.0.2.1"), "192.0.2.1/32");
  assertEquals(parseText(setting("capture.bypass"), "@a b.txt"), "@a b.txt");
  for (const text of ["@", "@-"]) refuses("capture.bypass", text, "names no file");
  assertEquals(parseText(setting("tun.addresses"), "192.0.2.1/24"), "192.0.2.1/24");
  refuses("tun.addresses", "192.0.2.1", "prefix length");
  const error = assertThrows(
    () => parseText(setting("capture.include"), "10.1.0.0/8"),
    ValueError,
    "behind its prefix length",
  );
  assertEquals(error.hint, "did you mean 10.0.0.0/8?");
});

Deno.test("marks are decimal or hexadecimal, and shown as `ip` shows them", () => {
  const mark = setting("capture.fwmark");
  assertEquals(parseText(mark, "0x7A74"), 0x7a74);
  assertEquals(parseText(mark, "31348"), 0x7a74);
  assertEquals(parseJson(mark, 31348), 0x7a74);
  assertEquals(parseJson(mark, "0xffffffff"), 0xffff_ffff);
  assertEquals(formatValue(mark.type, 0x7a74), "0x7a74");
  refuses("capture.fwmark", "0", "0 is out of range (0x1 to 0xffffffff)");
  refuses("capture.fwmark", "0x100000000", "0x100000000 is out of range");
  for (const text of ["", "0x", "7a74", "-1", "1.5"]) refuses("capture.fwmark", text, "not a mark");
  assertThrows(() => parseJson(mark, -1), ValueError, "-1 is out of range");
});

Deno.test("names of the host's things are of their kind", () => {
  assertEquals(parseText(setting("capture.onlyUsers"), "1000-1999"), "1000-1999");
  assertEquals(parseText(setting("capture.onlyCgroups"), "/a.slice/"), "a.slice");
  assertEquals(parseText(setting("capture.exceptInterfaces"), "docker*"), "docker*");
  assertEquals(parseText(setting("capture.interface"), "eth0"), "eth0");
  refuses("capture.exceptProcesses", "/usr/bin/curl", "is a path");
});

Deno.test("a server listens on an address, on any port", () => {
  const listen = setting("socks.listen");
  assertEquals(parseText(listen, "127.0.0.1:0"), { host: "127.0.0.1", port: 0 });
  assertEquals(parseText(listen, "[::]:1080"), { host: "::", port: 1080 });
  assertEquals(parseText(listen, "127.0.0.1:10"), { host: "127.0.0.1", port: 10 });
  for (const text of ["localhost:1080", "1080", ":1080", "::1:1080", "127.0.0.1", ":0"]) {
    refuses("socks.listen", text, "is not an IP address and a port");
  }
});

Deno.test("lists in variables are separated by commas", () => {
  assertEquals(parseTextList(setting("dns.servers"), "192.0.2.1, ::1"), ["192.0.2.1", "::1"]);
  assertThrows(() => parseTextList(setting("dns.servers"), "192.0.2.1,"), ValueError);
});

Deno.test("JSON values have the type of the setting", () => {
  assertEquals(parseJson(setting("tun.mtu"), 1500), 1500);
  assertEquals(parseJson(setting("limits.totalBytes"), 8 << 20), 8 << 20);
  assertEquals(parseJson(setting("limits.totalBytes"), "8MiB"), 8 << 20);
  assertEquals(parseJson(setting("earlyAccept"), true), true);
  const wrong: [string, string | number | boolean | null][] = [
    ["tun.mtu", "1500"],
    ["tun.mtu", 1500.5],
    ["tun.mtu", 1e300],
    ["limits.totalBytes", true],
    ["timeouts.dns", 5],
    ["earlyAccept", "true"],
    ["earlyAccept", null],
    ["log.level", 1],
    ["proxy.password", 123456],
  ];
  for (const [key, value] of wrong) {
    const { message } = assertThrows(() => parseJson(setting(key), value), ValueError);
    assertEquals(message.includes("123456"), false);
  }
});

Deno.test("a secret is never printed", () => {
  assertEquals(formatValue({ kind: "secret" }, "hunter2"), "(hidden)");
  const url = parseText(setting("proxy.url"), "socks5://alice:hunter2@h:1");
  assertEquals(formatValue({ kind: "proxy" }, url), "***@h:1");
});

Deno.test("property: any text is a value or a ValueError, for every setting", () => {
  fc.assert(
    fc.property(fc.constantFrom(...settingTable), fc.string({ unit: "binary" }), (entry, text) => {
      try {
        parseText(entry, text);
      } catch (error) {
        if (!(error instanceof ValueError)) throw error;
      }
    }),
    { numRuns: 2_000 },
  );
});
