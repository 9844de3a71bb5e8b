import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { type SettingGroup, settingTable } from "../../../src/config/definition.ts";
import { type LoadedSettings, loadSettings } from "../../../src/config/load.ts";
import { defaultSettings } from "../../../src/config/settings.ts";
import type { Value } from "../../../src/config/values.ts";
import { Exit, UserError } from "../../../src/errors.ts";
import { FakeEnvironment, type FakeWorld } from "../cli/fake_environment.ts";

interface Given extends FakeWorld {
  flags?: Record<string, Value>;
  config?: string;
  groups?: readonly SettingGroup[];
}

const allGroups = [...new Set(settingTable.map(({ group }) => group))];

function load(given: Given): Promise<LoadedSettings> {
  return loadSettings({
    groups: given.groups ?? allGroups,
    flags: new Map(Object.entries(given.flags ?? {})),
    configPath: given.config,
    environment: new FakeEnvironment(given),
  });
}

async function failure(given: Given): Promise<string> {
  const error = await assertRejects(() => load(given), UserError);
  assertEquals(error.exitCode, Exit.Usage);
  return error.message;
}

Deno.test("nothing said: the defaults, and no source", async () => {
  const { settings, sources } = await load({});
  assertEquals(settings, defaultSettings());
  assertEquals(sources.size, 0);
});

Deno.test("flags come before variables, variables before the file, the file before defaults", async () => {
  const { settings, sources } = await load({
    flags: { "tun.mtu": 1400 },
    variables: {
      ZTUN_MTU: "1500",
      ZTUN_LOG_LEVEL: "debug",
      ZTUN_INCLUDE: "10.0.0.0/8,2001:db8::/32",
    },
    files: {
      "f.json":
        '{"tun":{"mtu":9000},"log":{"level":"error","format":"json"},"dns":{"servers":["::1"]}}',
    },
    config: "f.json",
  });
  assertEquals(settings.tun.mtu, 1400);
  assertEquals(settings.log, { level: "debug", format: "json" });
  assertEquals(settings.capture.include, ["10.0.0.0/8", "2001:db8::/32"]);
  assertEquals(settings.dns.servers, ["::1"]);
  assertEquals(sources.get("tun.mtu"), "flag");
  assertEquals(sources.get("log.level"), "environment");
  assertEquals(sources.get("log.format"), "file");
  assertEquals(sources.get("udp"), undefined);
});

Deno.test("variables are read for the groups of the command only", async () => {
  const variables = { ZTUN_MTU: "wrong", ZTUN_PASSWORD_FILE: "/nowhere" };
  const { settings } = await load({ groups: ["common"], variables });
  assertEquals(settings.tun.mtu, 1500);
  assertEquals(
    await failure({ variables }),
    'Invalid value for ZTUN_MTU: "wrong" is not a whole number',
  );
});

Deno.test("values that do not go together are refused, as they are called where they were said", async () => {
  const message = await failure({
    variables: { ZTUN_ROUTES: "false" },
    files: { "f.json": '{"capture":{"strict":true}}' },
    config: "f.json",
  });
  assertEquals(message, 'ZTUN_ROUTES and "capture.strict" exclude each other');
});

Deno.test("a file of networks is read for who captures; the file's stands beside it", async () => {
  const files = {
    "/etc/ztun/f.json": '{"capture":{"include":["@in", "@/abs"]}}',
    "/etc/ztun/in": "10.0.0.0/8\n",
    "/abs": "::/1\n",
    "out": "192.0.2.1\n",
  };
  const given = { files, config: "/etc/ztun/f.json", variables: { ZTUN_BYPASS: "@out" } };
  const { capture } = (await load(given)).settings;
  assertEquals([capture.include, capture.bypass], [["10.0.0.0/8", "::/1"], ["192.0.2.1/32"]]);
  const unread = (await load({ ...given, groups: ["dns"] })).settings;
  assertEquals(unread.capture.include, ["@/etc/ztun/in", "@/abs"]);
});

Deno.test("a file that cannot be read is named", async () => {
  assertStringIncludes(await failure({ config: "none.json" }), 'configuration file "none.json"');
});

Deno.test("the server's credentials are its own", async () => {
  const { settings } = await load({
    variables: { ZTUN_SOCKS_USER: "bob", ZTUN_SOCKS_PASSWORD: "b", ZTUN_PROXY: "alice:a@h:1" },
  });
  assertEquals([settings.socks.user, settings.socks.password], ["bob", "b"]);
  assertEquals([settings.proxy?.user, settings.proxy?.password], ["alice", "a"]);
});

Deno.test("a password file named in the file is looked for beside it, one in a variable is not", async () => {
  const files = {
    "/etc/ztun/f.json": '{"proxy":{"socks":"h:1","user":"a","passwordFile":"pw"}}',
    "/etc/ztun/pw": "beside",
    "pw": "here",
  };
  const config = "/etc/ztun/f.json";
  assertEquals((await load({ files, config })).settings.proxy?.password, "beside");
  const variables = { ZTUN_PASSWORD_FILE: "pw" };
  assertEquals((await load({ files, config, variables })).settings.proxy?.password, "here");
});
