import { assertEquals } from "@std/assert";
import {
  AF_INET,
  AF_INET6,
  readSocketAddress,
  SOCKET_ADDRESS,
  writeSocketAddress,
} from "../../ffi/socket_address_linux.ts";

const IPV4 = [192, 0, 2, 7];
const IPV6 = [0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9];

Deno.test("an IPv4 address: the layout of struct sockaddr_in, and nothing beyond it", () => {
  const bytes = new Uint8Array(40).fill(0xee);
  assertEquals(writeSocketAddress(bytes, 4, Uint8Array.from([0, ...IPV4]), 1, 4, 1080), 16);
  assertEquals([...bytes], [
    ...[0xee, 0xee, 0xee, 0xee],
    ...[AF_INET, 0, 1080 >> 8, 1080 & 255, ...IPV4, 0, 0, 0, 0, 0, 0, 0, 0],
    ...Array(20).fill(0xee),
  ]);
});

Deno.test("an IPv6 address: the layout of struct sockaddr_in6, without flow and scope", () => {
  const bytes = new Uint8Array(40).fill(0xee);
  assertEquals(writeSocketAddress(bytes, 4, Uint8Array.from(IPV6), 0, 16, 65_535), 28);
  assertEquals([...bytes], [
    ...[0xee, 0xee, 0xee, 0xee],
    ...[AF_INET6, 0, 255, 255, 0, 0, 0, 0, ...IPV6, 0, 0, 0, 0],
    ...Array(8).fill(0xee),
  ]);
});

Deno.test("what was written is what is read", () => {
  for (const address of [IPV4, IPV6]) {
    const bytes = new Uint8Array(3 + SOCKET_ADDRESS);
    writeSocketAddress(bytes, 3, Uint8Array.from(address), 0, address.length, 53);
    assertEquals(readSocketAddress(bytes, 3), { address: Uint8Array.from(address), port: 53 });
  }
});

Deno.test("another family is no address", () => {
  const bytes = new Uint8Array(SOCKET_ADDRESS);
  assertEquals(readSocketAddress(bytes, 0), undefined);
  bytes[0] = 1;
  assertEquals(readSocketAddress(bytes, 0), undefined);
});
