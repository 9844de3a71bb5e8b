import { assert, assertEquals } from "@std/assert";
import type { IcmpError } from "../../../src/wire/icmp.ts";
import { Harness, only, ROUTER4, ROUTER6 } from "./harness.ts";
import {
  FAR4,
  FAR6,
  HOST4,
  HOST6,
  ipPacket,
  join,
  summed,
  summedPacket,
  udpPacket,
} from "./packets.ts";

function ends(ipv6: boolean): { source: Uint8Array; destination: Uint8Array } {
  return ipv6 ? { source: HOST6, destination: FAR6 } : { source: HOST4, destination: FAR4 };
}

function echo(ipv6: boolean, data: Uint8Array): Uint8Array {
  const upper = join([ipv6 ? 128 : 8, 0, 0, 0, 0x12, 0x34, 0, 9], data);
  return summedPacket({ ...ends(ipv6), protocol: ipv6 ? 58 : 1 }, upper, 2);
}

Deno.test("icmp: an echo request is answered with its own bytes (RFC 792, 4443)", () => {
  for (const ipv6 of [false, true]) {
    for (const vnet of [false, true]) {
      const data = new Uint8Array(200).map((_, i) => i);
      const reply = only(new Harness({ vnet }).receive(echo(ipv6, data)));
      assertEquals([reply.source, reply.destination], [ends(ipv6).destination, ends(ipv6).source]);
      assertEquals(reply.payload[0], ipv6 ? 129 : 0);
      assertEquals([...reply.payload.slice(4)], [0x12, 0x34, 0, 9, ...data]);
    }
  }
});

Deno.test("icmp: an echo request that was changed on the way is not answered", () => {
  for (const ipv6 of [false, true]) {
    const packet = echo(ipv6, new Uint8Array(20));
    packet[packet.length - 1]! ^= 1;
    const harness = new Harness();
    assertEquals(harness.receive(packet), []);
    assertEquals([harness.counters.dropChecksum, harness.counters.icmpEchoAnswered], [1, 0]);
  }
});

Deno.test("icmp: every error, for both families (RFC 792, 1812, 4443)", () => {
  const codes: [IcmpError, [number, number], [number, number]][] = [
    ["network-unreachable", [3, 0], [1, 0]],
    ["host-unreachable", [3, 1], [1, 3]],
    ["port-unreachable", [3, 3], [1, 4]],
    ["prohibited", [3, 13], [1, 1]],
    ["too-big", [3, 4], [2, 0]],
    ["hop-limit", [11, 0], [3, 0]],
    ["reassembly-time", [11, 1], [3, 1]],
  ];
  for (const [error, code4, code6] of codes) {
    for (const ipv6 of [false, true]) {
      const { source, destination } = ends(ipv6);
      const harness = new Harness();
      harness.onDatagram = (packet) => harness.stack.refuse(packet, error, 1_400);
      const offending = udpPacket(source, destination, 5, 6, new Uint8Array(30));
      const answer = only(harness.receive(offending));
      assertEquals([answer.payload[0], answer.payload[1]], ipv6 ? code6 : code4);
      assertEquals(answer.payload.slice(8), offending);
      const rest = [...answer.payload.slice(4, 8)];
      assertEquals(rest, error === "too-big" ? [0, 0, 5, 120] : [0, 0, 0, 0]);
      const router = ipv6 ? ROUTER6 : ROUTER4;
      assertEquals(answer.source, error === "hop-limit" ? router : destination);
    }
  }
});

Deno.test("icmp: an error quotes no more than it may (RFC 1812, 4.3.2.3; RFC 4443, 2.4)", () => {
  for (const [ipv6, most] of [[false, 576], [true, 1280]] as const) {
    const { source, destination } = ends(ipv6);
    const harness = new Harness();
    harness.onDatagram = (packet) => harness.stack.refuse(packet, "port-unreachable");
    const [answer] = harness.receive(udpPacket(source, destination, 5, 6, new Uint8Array(1_400)));
    assertEquals(answer?.length, most);
  }
});

Deno.test("icmp: no hops left, and protocols nobody knows", () => {
  const harness = new Harness();
  const packet = { ...ends(false), protocol: 17, payload: new Uint8Array(20), hopLimit: 1 };
  assertEquals(only(harness.receive(ipPacket(packet))).payload[0], 11);
  const strange = only(harness.receive(ipPacket({ ...packet, protocol: 132, hopLimit: 64 })));
  assertEquals([strange.payload[0], strange.payload[1]], [3, 13]);
});

Deno.test("icmp: errors, groups and later fragments are never answered with an error (RFC 1122, 3.2.2)", () => {
  const harness = new Harness();
  const { source, destination } = ends(false);
  const error = summed({ source, destination, protocol: 1 }, new Uint8Array(36).fill(3, 0, 1), 2);
  const expired = { source, destination, protocol: 1, payload: error, hopLimit: 1 };
  assertEquals(harness.receive(ipPacket(expired)), []);
  const group = new Uint8Array([239, 1, 1, 1]);
  assertEquals(harness.receive(ipPacket({ ...expired, protocol: 132, destination: group })), []);
  const later = { offset: 8, more: false, id: 1 };
  assertEquals(harness.receive(ipPacket({ ...expired, protocol: 17, fragment: later })), []);
});

Deno.test("icmp: errors are limited, and the limit refills with time (RFC 4443, 2.4 f)", () => {
  const harness = new Harness();
  harness.onDatagram = (packet) => harness.stack.refuse(packet, "port-unreachable");
  const packet = udpPacket(HOST4, FAR4, 5, 6, new Uint8Array(1));
  for (let i = 0; i < 1_500; i++) harness.receive(packet);
  assertEquals(harness.counters.icmpErrorsSent, 1_000);
  assertEquals(harness.counters.dropIcmpLimit, 500);
  harness.now += 10;
  for (let i = 0; i < 20; i++) harness.receive(packet);
  assertEquals(harness.counters.icmpErrorsSent, 1_010);
});

Deno.test("icmp: echo that is refused says so", () => {
  const harness = new Harness({ stack: { answerEcho: false } });
  const answer = only(harness.receive(echo(false, new Uint8Array(8))));
  assertEquals([answer.payload[0], answer.payload[1]], [3, 13]);
  assert(harness.counters.icmpEchoAnswered === 0);
});
