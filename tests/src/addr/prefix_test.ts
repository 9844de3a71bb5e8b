import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { parseAddress } from "../../../src/addr/address.ts";
import {
  comparePrefixes,
  formatPrefix,
  isNetwork,
  networkOf,
  parsePrefix,
  type Prefix,
  prefixContains,
} from "../../../src/addr/prefix.ts";

const octets = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });
const prefix: fc.Arbitrary<Prefix> = fc.oneof(
  fc.record({ address: octets(4), length: fc.nat(32) }),
  fc.record({ address: octets(16), length: fc.nat(128) }),
);

/** The dumb twin: bits as text. */
function bitsOf(address: Uint8Array): string {
  return [...address].map((octet) => octet.toString(2).padStart(8, "0")).join("");
}

Deno.test("a prefix printed is the prefix parsed", () => {
  fc.assert(fc.property(prefix, (value) => assertEquals(parsePrefix(formatPrefix(value)), value)));
});

Deno.test("an address alone is a prefix of its full length", () => {
  assertEquals(formatPrefix(parsePrefix("192.0.2.1")!), "192.0.2.1/32");
  assertEquals(formatPrefix(parsePrefix("2001:db8::1")!), "2001:db8::1/128");
});

Deno.test("crooked prefixes are refused", () => {
  const refused = ["", "/", "/8", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/08", "10.0.0.0/-1", "10/8"];
  refused.push("10.0.0.0/8/8", "10.0.0.0/ 8", "::/129", "::/1e2", "10.0.0.0/255.0.0.0", "default");
  for (const text of refused) assertEquals(parsePrefix(text), undefined, text);
});

Deno.test("containment compares the leading bits", () => {
  fc.assert(fc.property(prefix, octets(4), octets(16), (value, small, large) => {
    const address = value.address.length === 4 ? small : large;
    // A random address hardly ever lies in a long prefix: take the prefix's own bits half of the time.
    const near = address.map((octet, i) => i % 2 === 0 ? octet : value.address[i]!);
    for (const each of [address, near, value.address]) {
      const expected = bitsOf(each).startsWith(bitsOf(value.address).slice(0, value.length));
      assertEquals(prefixContains(value, each), expected);
    }
    assertEquals(prefixContains(value, value.address.length === 4 ? large : small), false);
  }));
});

Deno.test("the network of a prefix has only its leading bits", () => {
  fc.assert(fc.property(prefix, (value) => {
    const network = networkOf(value);
    const bits = bitsOf(value.address);
    assertEquals(
      bitsOf(network.address),
      bits.slice(0, value.length).padEnd(bits.length, "0"),
    );
    assertEquals(isNetwork(network), true);
    assertEquals(isNetwork(value), formatPrefix(value) === formatPrefix(network));
  }));
});

Deno.test("the wider prefix of two at the same address comes first", () => {
  const texts = ["10.0.0.0/8", "10.0.0.0/16", "10.1.0.0/16", "::/0", "::/8"];
  const sorted = texts.toReversed().map((text) => parsePrefix(text)!).sort(comparePrefixes);
  assertEquals(sorted.map(formatPrefix), texts);
  assertEquals(prefixContains(parsePrefix("::/0")!, parseAddress("::1")!), true);
});
