import { assertEquals, assertRejects, assertStrictEquals } from "@std/assert";
import { settingTable } from "../../../src/config/definition.ts";
import { nameIn, type Outside, readFile } from "../../../src/config/layer.ts";
import { Exit, UserError } from "../../../src/errors.ts";

function outside(read: () => Promise<string>): Outside {
  return { env: () => undefined, readTextFile: read };
}

Deno.test("a setting is called as it is written where it was said", () => {
  const mtu = settingTable.find(({ key }) => key === "tun.mtu")!;
  assertEquals(nameIn("flag", mtu), "--mtu");
  assertEquals(nameIn("environment", mtu), mtu.env);
  assertEquals(nameIn("file", mtu), '"tun.mtu"');
  assertEquals(nameIn("default", mtu), '"tun.mtu"');
  for (const setting of settingTable.filter(({ flag }) => flag === undefined)) {
    assertEquals(nameIn("flag", setting), `"${setting.key}"`);
  }
});

Deno.test("a file is given as it is", async () => {
  const text = await readFile("ztun.json", "file", outside(() => Promise.resolve("{}\n")));
  assertEquals(text, "{}\n");
});

Deno.test("a file that cannot be read is named, with the cause and the right exit code", async () => {
  const failures = [
    [new Deno.errors.NotFound("No such file"), Exit.Usage],
    [new Deno.errors.IsADirectory("Is a directory"), Exit.Usage],
    [new Deno.errors.PermissionDenied("Permission denied"), Exit.Permission],
  ] as const;
  for (const [failure, exitCode] of failures) {
    const error = await assertRejects(
      () => readFile("secret", "password file", outside(() => Promise.reject(failure))),
      UserError,
      'Cannot read the password file "secret"',
    );
    assertEquals(error.exitCode, exitCode);
    assertStrictEquals(error.cause, failure);
  }
});

Deno.test("control characters of a path do not reach the terminal", async () => {
  const missing = outside(() => Promise.reject(new Deno.errors.NotFound("No such file")));
  const error = await assertRejects(() => readFile("a\x1b[31mb\n", "file", missing), UserError);
  assertEquals([...error.message].every((character) => character >= " "), true);
});
