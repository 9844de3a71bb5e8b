/** What the stack writes in fragments, its own reassembly reads back. */

import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { Harness, only } from "./harness.ts";
import { FAR4, FAR6, HOST4, HOST6 } from "./packets.ts";

function sendUdp(harness: Harness, ipv6: boolean, data: Uint8Array, segment = 0): boolean {
  const { arena } = harness.link;
  const at = arena.takeLarge();
  arena.bytes.set(data, at);
  const [from, to] = ipv6 ? [HOST6, FAR6] : [HOST4, FAR4];
  const length = from.length;
  const end = at + data.length;
  const sent = harness.stack.sendUdp(from, 0, 7, to, 0, 9, length, at, end, segment);
  arena.release(at);
  return sent;
}

Deno.test("ip writer: datagrams of every size arrive whole at another stack", () => {
  const size = fc.oneof(fc.integer({ min: 0, max: 4_000 }), fc.integer({ min: 0, max: 65_507 }));
  fc.assert(
    fc.property(
      size,
      fc.boolean(),
      fc.boolean(),
      fc.constantFrom(1280, 1500, 9000),
      (length, ipv6, vnet, mtu) => {
        const data = new Uint8Array(length).map((_, i) => i * 31);
        const sender = new Harness({ mtu, vnet });
        const receiver = new Harness({ mtu });
        assertEquals(sendUdp(sender, ipv6, data), true);
        const packets = sender.take();
        for (const packet of packets) assertEquals(packet.length <= mtu, true);
        assertEquals(packets.length > 1, length + (ipv6 ? 48 : 28) > mtu);
        receiver.receive(...packets.toReversed());
        assertEquals(receiver.datagrams.length, 1);
        assertEquals(receiver.datagrams[0]!.payload, data);
        sender.checkEmpty();
        receiver.checkEmpty();
      },
    ),
    { numRuns: 60 },
  );
});

Deno.test("ip writer: datagrams of one size leave as one packet, which the link cuts up", () => {
  const sizes = fc.record({
    segment: fc.integer({ min: 1, max: 1_452 }),
    full: fc.integer({ min: 1, max: 40 }),
    last: fc.nat(1_452),
  });
  fc.assert(fc.property(sizes, fc.boolean(), ({ segment, full, last }, ipv6) => {
    const length = segment * full + Math.max(Math.min(last, segment), 1);
    const data = new Uint8Array(length).map((_, i) => i * 31);
    const sender = new Harness({ mtu: 1_500, vnet: true });
    const receiver = new Harness({ mtu: 1_500 });
    assertEquals(sendUdp(sender, ipv6, data, segment), true);
    assertEquals(sender.written.length, 1);
    receiver.receive(...sender.take());
    assertEquals(sender.counters.udpSent, full + 1);
    assertEquals(receiver.datagrams.length, full + 1);
    for (const [index, { payload }] of receiver.datagrams.entries()) {
      assertEquals(payload, data.subarray(index * segment, (index + 1) * segment));
    }
  }));
});

Deno.test("ip writer: what no packet can hold is refused", () => {
  const harness = new Harness();
  assertEquals(sendUdp(harness, false, new Uint8Array(65_508)), false);
  assertEquals(harness.take(), []);
});

Deno.test("ip writer: a sum of zero is written as ones (RFC 768)", () => {
  const harness = new Harness();
  sendUdp(harness, false, new Uint8Array(2));
  const sum = only(harness.take()).payload.slice(6, 8);
  // The payload makes the total sum ones, so that its complement would be zero.
  sendUdp(harness, false, sum);
  assertEquals([...only(harness.take()).payload.slice(6, 8)], [0xff, 0xff]);
});
