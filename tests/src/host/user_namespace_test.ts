import { assertEquals, assertRejects } from "@std/assert";
import { UserError } from "../../../src/errors.ts";
import {
  isPrivileged,
  namespaceHint,
  requireUnshare,
  unshareArguments,
} from "../../../src/host/user_namespace.ts";

Deno.test("an ordinary user gets a user namespace, root does without", () => {
  assertEquals(unshareArguments(true).includes("--user"), false);
  assertEquals(unshareArguments(false).includes("--user"), true);
  assertEquals(unshareArguments(false).at(-1), "--");
});

Deno.test("root without the capabilities is an ordinary user", () => {
  const status = (capabilities: string) => `Name:\tx\nCapEff:\t${capabilities}\nCapBnd:\t0\n`;
  assertEquals(isPrivileged(0, status("000001ffffffffff")), true);
  assertEquals(isPrivileged(0, status("00000000a80425fb")), false);
  assertEquals(isPrivileged(1000, status("000001ffffffffff")), false);
  assertEquals(isPrivileged(0, ""), false);
  assertEquals(isPrivileged(null, status("000001ffffffffff")), false);
});

Deno.test("the hint names the setting that forbids", () => {
  const hintWith = (settings: Record<string, string>) => namespaceHint((name) => settings[name]);
  const allowed = {
    "kernel.unprivileged_userns_clone": "1",
    "user.max_user_namespaces": "96365",
    "kernel.apparmor_restrict_unprivileged_userns": "0",
  };
  assertEquals(hintWith(allowed).includes("as root"), true);
  assertEquals(hintWith({}).includes("as root"), true);
  const cases: [string, string, string][] = [
    ["kernel.unprivileged_userns_clone", "0", "1"],
    ["user.max_user_namespaces", "0", "15000"],
    ["user.max_net_namespaces", "0", "15000"],
    ["kernel.apparmor_restrict_unprivileged_userns", "1", "0"],
  ];
  for (const [name, forbids, allows] of cases) {
    assertEquals(
      hintWith({ ...allowed, [name]: forbids }),
      `\`sudo sysctl -w ${name}=${allows}\``,
    );
  }
});

Deno.test("what unshare says is the cause", async () => {
  const error = await assertRejects(() => requireUnshare(["--no-such-flag", "--"]), UserError);
  assertEquals((error.cause as Error).message.includes("no-such-flag"), true);
});
