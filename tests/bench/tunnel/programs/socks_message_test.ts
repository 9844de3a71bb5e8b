import { assertEquals, assertThrows } from "@std/assert";
import { boundAddress, CONNECT, request, udpHeader } from "./socks_message.ts";

const TARGET = { host: "203.0.113.10", port: 5201 };

Deno.test("SOCKS5: a request, and a datagram's header", () => {
  assertEquals(request(CONNECT, TARGET), Uint8Array.of(5, 1, 0, 1, 203, 0, 113, 10, 0x14, 0x51));
  assertEquals(udpHeader(TARGET), Uint8Array.of(0, 0, 0, 1, 203, 0, 113, 10, 0x14, 0x51));
});

Deno.test("SOCKS5: the address of a reply, or its refusal", () => {
  const reply = Uint8Array.of(5, 0, 0, 1, 10, 99, 0, 2, 0x9c, 0x40);
  assertEquals(boundAddress(reply), { host: "10.99.0.2", port: 40_000 });
  reply[1] = 5;
  assertThrows(() => boundAddress(reply), Error, "status 5");
});
