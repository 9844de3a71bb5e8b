import { assertEquals } from "@std/assert";
import { formatAddress } from "../../../src/addr/address.ts";
import { addressesInHosts, isLocalhost } from "../../../src/addr/hosts_text.ts";

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

Deno.test("localhost is itself and what is below it", () => {
  assertEquals(["localhost", "a.localhost"].map(isLocalhost), [true, true]);
  assertEquals(["localhost.test", "notlocalhost"].map(isLocalhost), [false, false]);
});
