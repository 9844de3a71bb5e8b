import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { run } from "../../../../src/cli/run.ts";
import { configSchema } from "../../../../src/config/schema.ts";
import { Exit } from "../../../../src/errors.ts";
import { FakeEnvironment, type FakeWorld } from "../fake_environment.ts";

async function check(args: readonly string[], world: FakeWorld = {}) {
  const environment = new FakeEnvironment(world);
  const code = await run(["check", ...args], environment);
  return { code, out: environment.stdout, err: environment.stderr };
}

const files = {
  "f.json": '{"proxy": {"url": "socks5://alice:hunter2@h:1"}, "tun": {"mtu": 9000}}',
  "bad.json": '{"tun": {"mtu": 1}, "proxy": {"password": 5}}',
};

Deno.test("check shows what would be in effect, who said it, and no password", async () => {
  const { code, out, err } = await check(["f.json"], { files, variables: { ZTUN_UDP: "off" } });
  assertEquals([code, err], [Exit.Ok, ""]);
  assertMatch(out, /^proxy +h:1 +file$/m);
  assertMatch(out, /^proxy.user +alice +file$/m);
  assertMatch(out, /^proxy.password +\(hidden\) +file$/m);
  assertMatch(out, /^tun.mtu +9000 +file$/m);
  assertMatch(out, /^udp +off +environment$/m);
  assertMatch(out, /^timeouts.tcpIdle +2h +default$/m);
  assertEquals(out.includes("hunter2"), false);
});

Deno.test("check --json is for scripts, and shows no password either", async () => {
  const { code, out } = await check(["--json", "f.json"], { files });
  const value = JSON.parse(out);
  assertEquals(code, Exit.Ok);
  assertEquals(value.schemaVersion, 1);
  assertEquals(value.settings.proxy, { host: "h", port: 1, user: "alice", password: "(hidden)" });
  assertEquals(value.settings.socks.password, null);
  assertEquals(value.sources["tun.mtu"], "file");
  assertEquals(out.includes("hunter2"), false);
});

Deno.test("check takes the file as argument, as flag, or from the environment", async () => {
  const variables = { ZTUN_CONFIG: "f.json" };
  assertEquals(
    (await check([], { files, variables })).out,
    (await check(["f.json"], { files })).out,
  );
  assertEquals(
    (await check(["--config=f.json"], { files })).out,
    (await check(["f.json"], { files })).out,
  );
  assertEquals((await check(["f.json", "--config=f.json"], { files })).code, Exit.Usage);
});

Deno.test("check says everything that is wrong, and exits 2", async () => {
  const { code, out, err } = await check(["bad.json"], { files });
  assertEquals([code, out], [Exit.Usage, ""]);
  assertStringIncludes(err, "Cannot use bad.json: 2 problems");
  assertStringIncludes(err, "bad.json:1:17");
  assertStringIncludes(err, "bad.json:1:43");
});

Deno.test("check shows the beginning of a long list, and in JSON all of it", async () => {
  const networks = Array.from({ length: 300 }, (_, i) => `10.${i >> 8}.${i & 255}.0/24`);
  const world = { files: { list: networks.join("\n") }, variables: { ZTUN_BYPASS: "@list" } };
  const { out } = await check([], world);
  const shown = networks.slice(0, 4).join(", ");
  assertMatch(out, new RegExp(`^capture.bypass +${shown} and 296 more +environment$`, "m"));
  assertMatch(out, /^capture.table +a free one +default$/m);
  assertMatch(out, /^capture.confirm +off +default$/m);
  const { settings } = JSON.parse((await check(["--json"], world)).out);
  assertEquals(settings.capture.bypass, networks);
});

Deno.test("check --schema prints the schema", async () => {
  const { out } = await check(["--schema"]);
  assertEquals(JSON.parse(out), JSON.parse(JSON.stringify(configSchema())));
});
