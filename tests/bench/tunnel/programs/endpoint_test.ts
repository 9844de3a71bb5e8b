import { assertEquals } from "@std/assert";
import { parseEndpoint, SOCKADDR_SIZE, socketAddress } from "./endpoint.ts";

Deno.test("endpoint: as the kernel wants it", () => {
  const address = socketAddress(parseEndpoint("203.0.113.10:5201"));
  const expected = [2, 0, 0x14, 0x51, 203, 0, 113, 10, 0, 0, 0, 0, 0, 0, 0, 0];
  assertEquals([...address.subarray(0, SOCKADDR_SIZE)], expected);
});
