import { assertEquals, assertInstanceOf, assertThrows } from "@std/assert";
import { BatchUdpRelay } from "../../../src/socks_server/batch_udp_relay.ts";
import { Socks5ServerCounters } from "../../../src/socks_server/counters.ts";
import { DenoUdpRelay } from "../../../src/socks_server/deno_udp_relay.ts";
import { NameCache } from "../../../src/socks_server/name_cache.ts";
import type { UdpRelayOptions } from "../../../src/socks_server/udp_relay.ts";
import { UdpRelays } from "../../../src/socks_server/udp_relays.ts";

function optionsFor(host: string): UdpRelayOptions {
  return {
    localHost: host,
    clientHost: host,
    clientPort: 0,
    names: new NameCache(() => 0),
    destinations: undefined,
    counters: new Socks5ServerCounters(),
    touch() {},
  };
}

Deno.test("datagrams go in batches, or one by one where that is asked for", async () => {
  for (const [batched, kind] of [[true, BatchUdpRelay], [false, DenoUdpRelay]] as const) {
    const relays = new UdpRelays(batched);
    for (const host of ["127.0.0.1", "::ffff:127.0.0.1", "::1"]) {
      const relay = relays.open(optionsFor(host));
      assertInstanceOf(relay, kind);
      assertEquals(relay.address.length, host === "::1" ? 16 : 4);
      assertEquals(relay.port > 0, true);
      await relay.close();
      await relay.close();
    }
    await relays.close();
    await relays.close();
  }
});

Deno.test("an address that is not of this host is an error", async () => {
  const relays = new UdpRelays(true);
  assertThrows(() => relays.open(optionsFor("192.0.2.1")), Error, "EADDRNOTAVAIL");
  await relays.close();
});

Deno.test("an address on some link is for Deno's sockets, which know of links", async () => {
  const relays = new UdpRelays(true);
  // No such link: but it was Deno that was asked.
  assertThrows(() => relays.open(optionsFor("fe80::1%9999")), Error, "No such device");
  await relays.close();
});
