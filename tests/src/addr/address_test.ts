import { assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import {
  compareAddresses,
  formatAddress,
  formatAddressAt,
  isIpv4,
  isIpv6,
  parseAddress,
  parseIpv4,
  parseIpv6,
  sameAddress,
} from "../../../src/addr/address.ts";

const ipv4 = fc.uint8Array({ minLength: 4, maxLength: 4 });
/** Mostly zeros, so that "::" is met often. */
const ipv6 = fc.array(fc.oneof(fc.constant(0), fc.nat(0xffff)), { minLength: 8, maxLength: 8 })
  .map((groups) => new Uint8Array(groups.flatMap((group) => [group >> 8, group & 255])));

/** The dumb twin: the platform's URL parser knows IPv6 text too, and prints it as RFC 5952 asks. */
function urlHost(text: string): string | undefined {
  return URL.canParse(`http://[${text}]/`)
    ? new URL(`http://[${text}]/`).hostname.slice(1, -1)
    : undefined;
}

Deno.test("an address printed is the address parsed", () => {
  fc.assert(fc.property(fc.oneof(ipv4, ipv6), (address) => {
    assertEquals(parseAddress(formatAddress(address)), address);
  }));
});

Deno.test("IPv6 is printed as the URL parser prints it", () => {
  fc.assert(fc.property(ipv6, (address) => {
    fc.pre(!formatAddress(address).includes("."));
    assertEquals(formatAddress(address), urlHost(formatAddress(address)));
  }));
});

Deno.test("IPv6 text is accepted exactly where the URL parser accepts it", () => {
  const piece = fc.constantFrom(
    ":",
    "::",
    "0",
    "1",
    "ffff",
    "00a",
    "12345",
    "1.2.3.4",
    "g",
    ".",
    "",
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 17 }), (pieces) => {
      const text = pieces.join("");
      // The URL parser writes mapped addresses in hexadecimal; everything else must agree.
      const parsed = parseIpv6(text);
      assertEquals(parsed !== undefined, urlHost(text) !== undefined, text);
      if (parsed === undefined) return;
      assertEquals(parseIpv6(urlHost(text)!), parsed, text);
    }),
    { numRuns: 2000 },
  );
});

Deno.test("IPv4 text is four decimal octets and nothing else", () => {
  assertEquals(parseIpv4("0.0.0.0"), new Uint8Array(4));
  assertEquals(parseIpv4("255.255.255.255"), new Uint8Array([255, 255, 255, 255]));
  const refused = [
    "",
    "1.2.3",
    "1.2.3.4.",
    "1.2.3.4.5",
    ".1.2.3",
    "1..2.3",
    "256.1.1.1",
    "01.2.3.4",
  ];
  refused.push(
    "1.2.3.00",
    "1.2.3.4 ",
    " 1.2.3.4",
    "0x1.2.3.4",
    "1e1.2.3.4",
    "+1.2.3.4",
    "1.2.3.-4",
  );
  refused.push("1.2.3.0004", "16909060", "1.2.3.٤");
  for (const text of refused) assertEquals(parseAddress(text), undefined, text);
});

Deno.test("IPv6 text: zones, brackets and crooked forms are refused", () => {
  const refused = ["fe80::1%eth0", "[::1]", ":", ":::", "1:", ":1", "1::2::3", "1:2:3:4:5:6:7"];
  refused.push("1:2:3:4:5:6:7:8::", "::1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8:9", "::12345", "::1.2.3");
  refused.push("1.2.3.4::", "::01.2.3.4", "1:2:3:4:5:6:7:1.2.3.4", " ::1", "::g", "::1.2.3.4:5");
  for (const text of refused) assertEquals(parseAddress(text), undefined, text);
});

Deno.test("RFC 5952 section 4: the recommended text", () => {
  const cases: [string, string][] = [
    ["2001:DB8:0:0:0:0:2:1", "2001:db8::2:1"],
    ["2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"],
    ["2001:0:0:1:0:0:0:1", "2001:0:0:1::1"],
    ["2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"],
    ["0:0:0:0:0:0:0:0", "::"],
    ["1:0:0:0:0:0:0:0", "1::"],
    ["1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0"],
    ["::ffff:c000:201", "::ffff:192.0.2.1"],
    ["64:ff9b::192.0.2.33", "64:ff9b::c000:221"],
  ];
  for (const [text, printed] of cases) assertEquals(formatAddress(parseAddress(text)!), printed);
});

Deno.test("no text makes the parser throw", () => {
  fc.assert(fc.property(fc.string({ unit: "binary" }), (text) => {
    const address = parseAddress(text);
    if (address !== undefined) assertEquals(isIpv4(address), !isIpv6(address));
  }));
});

Deno.test("an address inside a packet is printed without a view", () => {
  const packet = new Uint8Array([9, 192, 0, 2, 1, 9]);
  assertEquals(formatAddressAt(packet, 1, 4), "192.0.2.1");
  assertThrows(() => formatAddress(new Uint8Array(5)), RangeError, "5 octets");
});

Deno.test("the order is total, IPv4 first, and agrees with equality", () => {
  const any = fc.oneof(ipv4, ipv6);
  fc.assert(fc.property(any, any, (a, b) => {
    assertEquals(Math.sign(compareAddresses(a, b)), -Math.sign(compareAddresses(b, a)));
    assertEquals(compareAddresses(a, b) === 0, sameAddress(a, b));
    assertEquals(compareAddresses(a, a.slice()), 0);
  }));
  const sorted = ["10.0.0.1", "10.0.0.2", "192.0.2.1", "::", "::1", "ff02::1"];
  const shuffled = sorted.toReversed().map((text) => parseAddress(text)!);
  assertEquals(shuffled.sort(compareAddresses).map(formatAddress), sorted);
});
