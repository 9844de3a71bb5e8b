import { assertEquals, assertThrows } from "@std/assert";
import { PairedDestinations, socketAddressOf } from "../../../src/socks_server/destination_map.ts";

Deno.test("pairs map both ways, everything else stays", () => {
  const shown = socketAddressOf("192.0.2.53", 53);
  const real = socketAddressOf("::1", 5353);
  const map = new PairedDestinations([[shown, real]]);
  assertEquals(map.real(shown), real);
  assertEquals(map.shown(real), shown);
  const other = socketAddressOf("192.0.2.53", 54);
  assertEquals([map.real(other), map.shown(other)], [other, other]);
  assertThrows(() => socketAddressOf("localhost", 1), TypeError);
});
