import { assertEquals } from "@std/assert";
import { formatAddress } from "../../../src/addr/address.ts";
import { systemLookup } from "../../../src/socks_server/system_lookup.ts";

Deno.test("localhost and written addresses are known without asking anybody", async () => {
  const [first] = await systemLookup("LocalHost.");
  assertEquals(first === undefined ? "" : formatAddress(first), "127.0.0.1");
  assertEquals((await systemLookup("192.0.2.1")).map(formatAddress), ["192.0.2.1"]);
});
