import { assertEquals } from "@std/assert";
import { formatAddress } from "../../../src/addr/address.ts";
import { addressesInHosts, systemLookup } from "../../../src/socks_server/system_lookup.ts";

const HOSTS = `# a comment
2001:db8::7  Seven.Test seven   # another
192.0.2.7\tseven.test
192.0.2.8    eight.test.example
not-an-address nine.test
192.0.2.10
`;

Deno.test("a hosts file: every line of the name, IPv4 first, rubbish left out", () => {
  const found = (name: string) => addressesInHosts(HOSTS, name).map(formatAddress);
  assertEquals(found("seven.test"), ["192.0.2.7", "2001:db8::7"]);
  assertEquals(found("seven"), ["2001:db8::7"]);
  assertEquals(found("eight.test"), []);
  assertEquals(found("nine.test"), []);
  assertEquals(found("192.0.2.10"), []);
});

Deno.test("localhost and written addresses are known without asking anybody", async () => {
  const [first] = await systemLookup("LocalHost.");
  assertEquals(first === undefined ? "" : formatAddress(first), "127.0.0.1");
  assertEquals((await systemLookup("192.0.2.1")).map(formatAddress), ["192.0.2.1"]);
});
