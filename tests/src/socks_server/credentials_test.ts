import { assertEquals } from "@std/assert";
import { CredentialCheck } from "../../../src/socks_server/credentials.ts";

Deno.test("user and password must both be the same, to the byte", () => {
  const encoder = new TextEncoder();
  const check = new CredentialCheck({ user: "alice", password: "pä55" });
  const accepts = (user: string, password: string) =>
    check.accepts(encoder.encode(user), encoder.encode(password));
  assertEquals(accepts("alice", "pä55"), true);
  for (
    const [user, password] of [
      ["alice", "pä5"],
      ["alice", "pä555"],
      ["alice", "pä55pä55"],
      ["Alice", "pä55"],
      ["alicealice", "pä55"],
      ["", ""],
    ] as const
  ) {
    assertEquals(accepts(user, password), false, `${user}:${password}`);
  }
  const empty = new CredentialCheck({ user: "u", password: "" });
  assertEquals(empty.accepts(encoder.encode("u"), new Uint8Array(0)), true);
  assertEquals(empty.accepts(encoder.encode("u"), new Uint8Array(1)), false);
});
