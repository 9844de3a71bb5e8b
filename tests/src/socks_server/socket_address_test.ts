import { assertEquals } from "@std/assert";
import { plainHost, socketAddress } from "../../../src/socks_server/socket_address.ts";

Deno.test("IPv4 in its dual-stack dress is IPv4, a zone is left out", () => {
  assertEquals(plainHost("::ffff:192.0.2.1"), "192.0.2.1");
  assertEquals(plainHost("2001:db8::1"), "2001:db8::1");
  assertEquals(socketAddress("::ffff:192.0.2.1"), new Uint8Array([192, 0, 2, 1]));
  const linkLocal = new Uint8Array(16);
  linkLocal.set([0xfe, 0x80]);
  linkLocal[15] = 1;
  assertEquals(socketAddress("fe80::1%eth0"), linkLocal);
});
