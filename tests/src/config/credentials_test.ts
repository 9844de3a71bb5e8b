import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { mergeCredentials, requireProxy } from "../../../src/config/credentials.ts";
import type { Layer, Source } from "../../../src/config/layer.ts";
import type { Value } from "../../../src/config/values.ts";
import { UserError } from "../../../src/errors.ts";
import { FakeEnvironment } from "../cli/fake_environment.ts";

function layer(source: Source, values: Record<string, Value>): Layer {
  return { source, values: new Map(Object.entries(values)) };
}

function merge(...layers: Layer[]) {
  const files = { "pw": "from-file\nsecond line\n", "empty": "\n", "long": "x".repeat(256) };
  return mergeCredentials("proxy", layers, new FakeEnvironment({ files }));
}

async function failure(...layers: Layer[]): Promise<string> {
  return (await assertRejects(() => merge(...layers), UserError)).message;
}

const work = { host: "work", port: 1 };
const home = { host: "home", port: 2 };

Deno.test("a password from the environment goes with a proxy from the flags", async () => {
  const merged = await merge(
    layer("environment", { "proxy.password": "p" }),
    layer("flag", { "proxy.socks": home, "proxy.user": "alice" }),
  );
  assertEquals(merged, {
    endpoint: home,
    user: "alice",
    password: "p",
    sources: { endpoint: "flag", user: "flag", secret: "environment" },
  });
});

Deno.test("a password of another proxy is not taken along", async () => {
  const file = layer("file", {
    "proxy.socks": work,
    "proxy.user": "alice",
    "proxy.password": "work-password",
  });
  const merged = await merge(file, layer("flag", { "proxy.socks": home }));
  assertEquals([merged.endpoint, merged.user, merged.password], [home, undefined, undefined]);
});

Deno.test("a higher source's password takes the place of a lower one's file", async () => {
  const file = layer("file", {
    "proxy.socks": work,
    "proxy.user": "alice",
    "proxy.passwordFile": "does-not-exist",
  });
  const merged = await merge(file, layer("environment", { "proxy.password": "p" }));
  assertEquals(merged.password, "p");
});

Deno.test("a password file gives its first line", async () => {
  const given = { "proxy.socks": work, "proxy.user": "a" };
  const read = (name: string) => layer("flag", { ...given, "proxy.passwordFile": name });
  assertEquals((await merge(read("pw"))).password, "from-file");
  assertEquals(await failure(read("empty")), 'The password file "empty" has an empty password');
  assertEquals(
    await failure(read("long")),
    'The password file "long" has a password of more than 255 bytes',
  );
  assertEquals(await failure(read("none")), 'Cannot read the password file "none"');
});

Deno.test("one source must not say a thing in two ways", async () => {
  const url = { host: "h", port: 1, user: "u", password: "p" };
  const say = (names: string) => `${names} say the same thing: use one of them`;
  assertEquals(
    await failure(layer("flag", { "proxy.url": url, "proxy.socks": work })),
    say("--proxy and --socks"),
  );
  assertEquals(
    await failure(layer("flag", { "proxy.url": url, "proxy.user": "x" })),
    say("--proxy and --user"),
  );
  assertEquals(
    await failure(layer("environment", { "proxy.url": url, "proxy.password": "x" })),
    say("ZTUN_PROXY and ZTUN_PASSWORD"),
  );
  assertEquals(
    await failure(layer("file", { "proxy.password": "x", "proxy.passwordFile": "pw" })),
    say('"proxy.password" and "proxy.passwordFile"'),
  );
});

Deno.test("a user needs a password, a password a user", async () => {
  const user = layer("flag", { "proxy.socks": work, "proxy.user": "a" });
  assertEquals(await failure(user), "A user name is given, but no password");
  const password = layer("flag", { "proxy.socks": work, "proxy.password": "a" });
  assertEquals(await failure(password), "A password is given, but no user name");
});

Deno.test("without a proxy nothing is read", async () => {
  const merged = await merge(layer("flag", { "proxy.passwordFile": "none" }));
  assertEquals(merged.endpoint, undefined);
  assertThrows(() => requireProxy(undefined), UserError, "No proxy is given");
});
