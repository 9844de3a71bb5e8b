import { assertEquals } from "@std/assert";
import { ownUsers } from "../../../src/capture/own_users.ts";

const users = (uid: number | null, sudo?: string) =>
  ownUsers({ uid: () => uid, env: (name) => name === "SUDO_UID" ? sudo : undefined });

Deno.test("own users: root, whoever runs it, and who called sudo; each once", () => {
  assertEquals(users(0), [0]);
  assertEquals(users(0, "1000"), [0, 1000]);
  assertEquals(users(1000), [0, 1000]);
  assertEquals(users(1000, "1001"), [0, 1000, 1001]);
  assertEquals(users(null), [0]);
});
