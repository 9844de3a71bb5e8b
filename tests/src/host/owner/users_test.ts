import { assertEquals } from "@std/assert";
import { isService, parseAccounts, userNumber } from "../../../../src/host/owner/users.ts";

Deno.test("accounts are read by number, the first one of a number", () => {
  const accounts = parseAccounts(
    "root:x:0:0:root:/root:/bin/bash\ntoor:x:0:0::/root:/bin/sh\n\nproxy:x:13:13::/:/bin/false\n",
  );
  assertEquals(accounts.get(0), { name: "root", shell: "/bin/bash" });
  assertEquals(accounts.get(13), { name: "proxy", shell: "/bin/false" });
  assertEquals(accounts.size, 2);
});

Deno.test("system users, those that cannot log in and dynamic ones are services'", () => {
  assertEquals(isService(13, "/bin/sh"), true);
  assertEquals(isService(1001, "/usr/sbin/nologin"), true);
  assertEquals(isService(62_000, undefined), true);
});

Deno.test("root, people and nobody are not, nor are numbers without an account", () => {
  assertEquals(isService(0, "/usr/sbin/nologin"), false);
  assertEquals(isService(1000, "/bin/bash"), false);
  assertEquals(isService(65_534, "/usr/sbin/nologin"), false);
  assertEquals(isService(5000, undefined), false);
});

Deno.test("an account's number is found by any of its names", () => {
  const passwd = "root:x:0:0:root:/root:/bin/bash\ntoor:x:0:0::/root:/bin/sh\n";
  assertEquals(userNumber(passwd, "toor"), 0);
  assertEquals(userNumber(passwd, "alice"), undefined);
  assertEquals(userNumber(passwd, ""), undefined);
});
