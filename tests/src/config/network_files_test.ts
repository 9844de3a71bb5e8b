import { assertEquals, assertRejects } from "@std/assert";
import { readNetworkFiles } from "../../../src/config/network_files.ts";
import { Exit, UserError } from "../../../src/errors.ts";
import { FakeEnvironment } from "../cli/fake_environment.ts";

interface Lists {
  include?: string[];
  bypass?: string[];
}

async function read(lists: Lists, files: Record<string, string>) {
  const capture = { include: [], bypass: [], ...lists };
  await readNetworkFiles(capture, new FakeEnvironment({ files }));
  return capture;
}

async function failure(lists: Lists, files: Record<string, string>): Promise<UserError> {
  const error = await assertRejects(() => read(lists, files), UserError);
  assertEquals(error.exitCode, Exit.Usage);
  return error;
}

Deno.test("a file has one network a line, with comments and blank lines", async () => {
  const text = "\ufeff# ours\r\n10.0.0.0/8 # all of it\r\n\r\n  2001:DB8::/32\n192.0.2.1";
  const { include, bypass } = await read({ include: ["@a"], bypass: ["@a", "::1/128"] }, {
    a: text,
  });
  assertEquals(include, ["10.0.0.0/8", "2001:db8::/32", "192.0.2.1/32"]);
  assertEquals(bypass, [...include, "::1/128"]);
});

Deno.test("a network that stands in several places is there once", async () => {
  const files = { a: "10.0.0.0/8\n", b: "192.0.2.0/24\n10.0.0.0/8\n" };
  const { bypass } = await read({ bypass: ["192.0.2.0/24", "@a", "@b"] }, files);
  assertEquals(bypass, ["192.0.2.0/24", "10.0.0.0/8"]);
});

Deno.test("what is wrong is named with its file and line", async () => {
  const error = await failure({ include: ["@nets"] }, { nets: "# one\n\n10.1.0.0/8\n" });
  assertEquals(error.message, 'nets:3: "10.1.0.0/8" has bits set behind its prefix length');
  assertEquals(error.hint, "Did you mean 10.0.0.0/8?");
  const nested = await failure({ bypass: ["@nets"] }, { nets: "@other\n" });
  assertEquals(nested.message, 'nets:1: "@other" is not a network');
  const missing = await failure({ bypass: ["@nets"] }, {});
  assertEquals(missing.message, 'Cannot read the list of networks "nets"');
});

Deno.test("files without a network exclude nothing, but do not include everything", async () => {
  assertEquals((await read({ bypass: ["@a"] }, { a: "# none\n" })).bypass, []);
  const error = await failure({ include: ["@a", "@b"] }, { a: "", b: "#\n" });
  assertEquals(error.message, "No network is included: there is none in @a, @b");
  assertEquals(error.hint, "To include everything, leave out --include");
  assertEquals((await read({}, {})).include, []);
});
