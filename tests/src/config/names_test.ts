import { assertEquals, assertThrows } from "@std/assert";
import {
  parseAccount,
  parseCgroup,
  parseInterface,
  parseProcess,
  parseUserNumbers,
} from "../../../src/config/names.ts";
import { ValueError } from "../../../src/config/units.ts";

/** The hint of the error that a text gives. */
function hintOf(parse: (text: string) => string, text: string, message?: string) {
  return assertThrows(() => parse(text), ValueError, message, text).hint;
}

Deno.test("interfaces are names that the kernel takes, or beginnings of such", () => {
  for (const name of ["eth0", "docker*", "br-1.2", "x".repeat(15), `${"x".repeat(15)}*`]) {
    assertEquals(parseInterface(name), name);
  }
  for (const name of ["", "*", ".", "a/b", "a b", "a:b", "x".repeat(16), "ü"]) {
    assertEquals(hintOf(parseInterface, name, "no name of"), "for example eth0 or docker*");
  }
});

Deno.test("users are names, numbers or ranges of numbers, kept as they are", () => {
  const good = ["alice", "systemd-network", "CORP\\bob", "bob@corp", "x1-2", "0", "1000-1999"];
  for (const user of [...good, "4294967294", "7-7"]) assertEquals(parseAccount(user), user);
  const bad = ["", "-1", "-", "1-", "-x", "1-2-3", "4294967295", "1-99999999999", "a b", "a:b"];
  for (const user of bad) hintOf(parseAccount, user, "is no user");
  assertEquals(hintOf(parseAccount, "1999-1000", "backwards"), "did you mean 1000-1999?");
});

Deno.test("numbers of users have a first and a last one, names have none", () => {
  assertEquals(parseUserNumbers("1000"), { from: 1000, to: 1000 });
  assertEquals(parseUserNumbers("1000-1999"), { from: 1000, to: 1999 });
  assertEquals(parseUserNumbers("alice"), undefined);
});

Deno.test("control groups are paths below the root, however they are written", () => {
  assertEquals(parseCgroup("system.slice/ssh.service"), "system.slice/ssh.service");
  assertEquals(parseCgroup("//user.slice/user@1000.service/"), "user.slice/user@1000.service");
  for (const path of ["", "/", "..", "a/../b", "a/./b", "a\nb", "a\0"]) {
    hintOf(parseCgroup, path, "is no path of a control group");
  }
  assertEquals(hintOf(parseCgroup, "/sys/fs/cgroup/a/b", "shown"), "did you mean a/b?");
  assertEquals(hintOf(parseCgroup, "/sys/fs/cgroup"), "for example system.slice/ssh.service");
});

Deno.test("processes have short names, and no paths", () => {
  for (const name of ["curl", "Web Content", "a/b", "x".repeat(15)]) {
    assertEquals(parseProcess(name), name);
  }
  assertEquals(hintOf(parseProcess, "/usr/bin/curl", "is a path"), "did you mean curl?");
  assertEquals(
    hintOf(parseProcess, "NetworkManager-dispatcher", "longer than the 15 characters"),
    'did you mean "NetworkManager-"?',
  );
  assertEquals(hintOf(parseProcess, `${"x".repeat(14)}ü`), `did you mean "${"x".repeat(14)}"?`);
  for (const name of ["", "a\nb"]) hintOf(parseProcess, name);
});
