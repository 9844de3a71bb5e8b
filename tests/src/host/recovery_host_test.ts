import { assertEquals } from "@std/assert";
import { realRecoveryHost } from "../../../src/host/recovery_host.ts";

Deno.test("the real host has the journals of its user, and knows every kind of change", () => {
  const user = (uid: number, runtime?: string) => ({ uid: () => uid, env: () => runtime });
  assertEquals(realRecoveryHost(user(0, "/run/user/0")).directories[0], "/var/lib/ztun");
  const { directories, kinds } = realRecoveryHost(user(7, "/run/user/7"));
  assertEquals(directories, ["/run/user/7/ztun"]);
  for (const kind of ["file", "directory", "sysctl", "command"]) {
    assertEquals(Object.hasOwn(kinds, kind), true, kind);
  }
});
