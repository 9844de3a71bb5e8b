import { assertEquals } from "@std/assert";
import { SockDiag } from "../../../../ffi/sock_diag_linux.ts";
import { holdersOf, networkOf, socketsOf } from "../../../../src/host/owner/descriptors.ts";

Deno.test("a socket is found at the process that has it, and at no other", () => {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const diag = new SockDiag();
  const { port } = listener.addr as Deno.NetAddr;
  const { inode } = diag.listener({ address: new Uint8Array([127, 0, 0, 1]), port })!;
  diag.close();
  const self = { pid: Deno.pid };
  assertEquals(socketsOf(Deno.pid).filter((each) => each.inode === inode).length, 1);
  assertEquals(holdersOf(new Set([inode]), [self, { pid: 0x3fff_ffff }]), [self]);
  assertEquals(holdersOf(new Set([0]), [self]), []);
});

Deno.test("who is not there has no network and no sockets", () => {
  assertEquals(networkOf(0x3fff_ffff), undefined);
  assertEquals(socketsOf(0x3fff_ffff), []);
  assertEquals(networkOf("thread-self")?.startsWith("net:["), true);
});
