import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { parseAddress } from "../../../src/addr/address.ts";
import {
  formatEndpoint,
  formatSocketAddress,
  isHostName,
  parseEndpoint,
  parsePort,
} from "../../../src/addr/endpoint.ts";

Deno.test("endpoints are read", () => {
  assertEquals(parseEndpoint("proxy.example:1080"), { host: "proxy.example", port: 1080 });
  assertEquals(parseEndpoint("localhost:1"), { host: "localhost", port: 1 });
  assertEquals(parseEndpoint("192.0.2.1:65535"), { host: "192.0.2.1", port: 65535 });
  assertEquals(parseEndpoint("[2001:DB8:0::1]:53"), { host: "2001:db8::1", port: 53 });
  assertEquals(parseEndpoint("_dns.a-b.example.:53"), { host: "_dns.a-b.example.", port: 53 });
});

Deno.test("crooked endpoints are refused", () => {
  const refused = [
    "",
    ":",
    ":1080",
    "host",
    "host:",
    "host:0",
    "host:65536",
    "host:080",
    "host:+1",
  ];
  refused.push("::1:1080", "2001:db8::1", "[::1]", "[::1]1080", "[::1:1080", "::1]:1080", "[a]:1");
  refused.push("[1.2.3.4]:1", "1.2.3:1", "1.2.3.4.5:1", "01.2.3.4:1", "a b:1", "-a:1", "a-:1");
  refused.push("a..b:1", ".a:1", "user@host:1", "a/b:1", `${"a".repeat(64)}:1`, "0x7f000001:1");
  refused.push(`${"a.".repeat(127)}b:1`, "[fe80::1%eth0]:1", "host:1 ", " host:1");
  for (const text of refused) assertEquals(parseEndpoint(text), undefined, text);
});

Deno.test("a port is a decimal number from 1 to 65535", () => {
  fc.assert(fc.property(fc.integer({ min: -10, max: 70_000 }), (port) => {
    assertEquals(parsePort(String(port)), port >= 1 && port <= 65_535 ? port : undefined);
  }));
});

Deno.test("an endpoint printed is the endpoint parsed", () => {
  const host = fc.oneof(
    fc.domain(),
    fc.ipV4(),
    fc.constantFrom("::1", "2001:db8::1", "::ffff:1.2.3.4"),
  );
  fc.assert(fc.property(host, fc.integer({ min: 1, max: 65_535 }), (name, port) => {
    assertEquals(parseEndpoint(formatEndpoint(name, port)), { host: name, port });
  }));
});

Deno.test("an address with a port has brackets only where they are needed", () => {
  assertEquals(formatSocketAddress(parseAddress("192.0.2.1")!, 53), "192.0.2.1:53");
  assertEquals(formatSocketAddress(parseAddress("2001:db8::1")!, 53), "[2001:db8::1]:53");
});

Deno.test("names have the lengths that DNS allows", () => {
  assertEquals(isHostName("a".repeat(63)), true);
  assertEquals(isHostName(`${"a".repeat(63)}.`.repeat(3) + "a".repeat(61)), true);
  assertEquals(isHostName(`${"a".repeat(63)}.`.repeat(3) + "a".repeat(62)), false);
  assertEquals(isHostName(""), false);
  assertEquals(isHostName("."), false);
});
