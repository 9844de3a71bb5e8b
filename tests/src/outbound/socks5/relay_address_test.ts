import { assertEquals } from "@std/assert";
import { relayAddress } from "../../../../src/outbound/socks5/relay_address.ts";

function v4(text: string): Uint8Array {
  return new Uint8Array(text.split(".").map(Number));
}

function v6(...head: number[]): Uint8Array {
  const address = new Uint8Array(16);
  address.set(head);
  return address;
}

function relay(bound: Uint8Array, proxy: Uint8Array): string {
  return relayAddress({ kind: "ip", address: bound, port: 1 }, proxy).join(".");
}

const LOOPBACK6 = v6();
LOOPBACK6[15] = 1;

Deno.test("relay address: the proxy's own where the announced one cannot be meant", () => {
  for (
    const bound of [
      "0.0.0.0",
      "127.0.0.1",
      "10.1.2.3",
      "172.17.0.2",
      "192.168.1.1",
      "169.254.1.1",
      "100.64.0.1",
      "224.0.0.1",
      "255.255.255.255",
    ]
  ) {
    assertEquals(relay(v4(bound), v4("203.0.113.7")), "203.0.113.7", bound);
  }
  for (const bound of [v6(), LOOPBACK6, v6(0xfe, 0x80), v6(0xfd, 1), v6(0xff, 2)]) {
    assertEquals(relay(bound, v4("203.0.113.7")), "203.0.113.7");
  }
  assertEquals(
    relayAddress({ kind: "name", name: "relay.test", port: 1 }, v4("192.0.2.1")),
    v4("192.0.2.1"),
  );
});

Deno.test("relay address: the announced one where it can be reached", () => {
  assertEquals(relay(v4("198.51.100.9"), v4("203.0.113.7")), "198.51.100.9");
  assertEquals(relay(v4("198.51.100.9"), v4("10.0.0.1")), "198.51.100.9");
  assertEquals(relay(v4("10.9.9.9"), v4("10.0.0.1")), "10.9.9.9");
  assertEquals(relay(v4("192.168.0.9"), v4("10.0.0.1")), "192.168.0.9");
  assertEquals(relay(v4("127.0.0.2"), v4("127.0.0.1")), "127.0.0.2");
  assertEquals(relay(v4("172.32.0.1"), v4("127.0.0.1")), "172.32.0.1");
  assertEquals(relay(v6(0xfd, 2), v6(0xfc, 1)), v6(0xfd, 2).join("."));
  assertEquals(relay(v4("10.0.0.1"), v4("127.0.0.1")), "127.0.0.1");
});

Deno.test("relay address: mapped addresses are IPv4", () => {
  const mapped = v6();
  mapped.set([0xff, 0xff, 203, 0, 113, 7], 10);
  assertEquals(relay(v4("0.0.0.0"), mapped), "203.0.113.7");
  assertEquals(relay(mapped, v4("10.0.0.1")), "203.0.113.7");
});
