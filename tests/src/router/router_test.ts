import { assertEquals, assertStrictEquals } from "@std/assert";
import fc from "fast-check";
import { parseAddress } from "../../../src/addr/address.ts";
import { decide, type Decision } from "../../../src/router/router.ts";

function decisionOf(text: string): Decision {
  const address = parseAddress(text)!;
  return decide(address, 0, address.length).decision;
}

const CASES: Record<Decision, readonly string[]> = {
  refuse: [
    ...["0.0.0.0", "127.0.0.0", "127.0.0.1", "127.255.255.255", "169.254.0.0", "169.254.169.254"],
    ...["169.254.255.255", "::", "::1", "fe80::", "fe80::1", "febf:ffff::1"],
  ],
  drop: [
    ...["224.0.0.0", "224.0.0.251", "239.255.255.250", "239.255.255.255", "240.0.0.0"],
    ...["255.255.255.254", "255.255.255.255", "ff00::", "ff02::1", "ff02::fb", "ff0e::1"],
    "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
  ],
  proxy: [
    ...["0.0.0.1", "1.1.1.1", "126.255.255.255", "128.0.0.0", "169.253.255.255", "169.255.0.0"],
    ...["223.255.255.255", "::2", "::1:0:0:1", "100::1", "fe7f:ffff::1", "fec0::1", "feff::1"],
    ...["64:ff9b::1.1.1.1", "2001:db8::1", "2606:4700:4700::1111"],
    // A private network may well be what lies behind the proxy.
    ...["10.0.0.1", "172.16.0.1", "192.168.1.1", "100.64.0.1", "198.18.0.1", "fd00::1", "fc00::1"],
  ],
};

for (const [decision, texts] of Object.entries(CASES)) {
  Deno.test(`${decision}: the edges of every range, and its neighbours`, () => {
    for (const text of texts) assertEquals([text, decisionOf(text)], [text, decision]);
  });
}

Deno.test("the reason names the kind of address", () => {
  const reasons = ["127.0.0.1", "::1", "fe80::1", "0.0.0.0", "::", "ff02::1", "8.8.8.8"].map(
    (text) => {
      const address = parseAddress(text)!;
      return decide(address, 0, address.length).reason;
    },
  );
  assertEquals(reasons, [
    ...["loopback address", "loopback address", "link-local address"],
    ...["unspecified address", "unspecified address", "multicast or broadcast", "default"],
  ]);
});

/** Word by word from the registries, for each first 16 bits; the ranges within are told apart by the rest. */
function expected(octets: readonly number[]): Decision {
  const bits = octets.map((octet) => octet.toString(2).padStart(8, "0")).join("");
  const zeroes = bits.length - 1;
  const within = (...prefixes: string[]) => prefixes.some((prefix) => bits.startsWith(prefix));
  if (octets.length === 4) {
    if (within("1110", "1111")) return "drop";
    return within("01111111", "1010100111111110", "0".repeat(32)) ? "refuse" : "proxy";
  }
  if (within("11111111")) return "drop";
  return within("1111111010", "0".repeat(128), "0".repeat(zeroes) + "1") ? "refuse" : "proxy";
}

const octets = (length: number) => fc.array(fc.nat(255), { minLength: length, maxLength: length });
/** Mostly zeroes: the neighbourhood of :: and ::1. */
const sparse = fc.tuple(fc.nat(15), fc.nat(255)).map(([at, octet]) => {
  return new Array<number>(16).fill(0).with(at, octet);
});
const addresses = fc.oneof(
  octets(4),
  octets(16),
  sparse,
  fc.tuple(fc.constantFrom(0xfe, 0xff), octets(15)).map(([first, rest]) => [first, ...rest]),
  fc.tuple(fc.constantFrom(127, 169), octets(3)).map(([first, rest]) => [first, ...rest]),
);

Deno.test("every other address goes to the proxy, wherever in a packet it stands", () => {
  fc.assert(fc.property(addresses, fc.nat(50), fc.nat(255), (address, at, filler) => {
    const bytes = new Uint8Array(at + address.length + 20).fill(filler);
    bytes.set(address, at);
    const verdict = decide(bytes, at, address.length);
    assertEquals(verdict.decision, expected(address));
    assertStrictEquals(decide(bytes, at, address.length), verdict);
  }));
});
