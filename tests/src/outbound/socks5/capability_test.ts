import { assertEquals } from "@std/assert";
import { Socks5Capability } from "../../../../src/outbound/socks5/capability.ts";
import { type Socks5Command, Socks5Handshake } from "../../../../src/outbound/socks5/handshake.ts";

const OK = [5, 0, 0, 1, 0, 0, 0, 0, 0, 0];

/** A handshake whose proxy sent these bytes and then, unless it is done, closed. */
function ended(
  pipelined: boolean,
  received: number[],
  options: { command?: Socks5Command; method?: number; hang?: boolean } = {},
): Socks5Handshake {
  const machine = new Socks5Handshake({
    command: options.command ?? "connect",
    target: { kind: "ip", address: new Uint8Array(4), port: 0 },
    credentials: options.method === undefined ? undefined : { user: "u", password: "p" },
    pipelined,
    method: options.method,
  });
  machine.receive(new Uint8Array(received), 0, received.length);
  if (options.hang !== true) machine.closed();
  return machine;
}

Deno.test("an answered pipelined handshake settles it, a refusal of the far end counts as an answer", () => {
  const capability = new Socks5Capability();
  assertEquals([capability.pipelining, capability.tryPipelined], ["unknown", true]);
  capability.answered(ended(true, [5, 0, 5, 5, 0, 1, 0, 0, 0, 0, 0, 0]));
  assertEquals([capability.pipelining, capability.method], ["yes", 0]);
});

Deno.test("died after the method: one message at a time; answered then: no more pipelining", () => {
  for (const hang of [false, true]) {
    const capability = new Socks5Capability();
    assertEquals(capability.unanswered(ended(true, [5, 0], { hang })), true);
    assertEquals([capability.pipelining, capability.tryPipelined], ["unknown", false]);
    capability.answered(ended(false, [5, 0, ...OK]));
    assertEquals([capability.pipelining, capability.tryPipelined], ["no", false]);
    capability.changed();
    assertEquals([capability.pipelining, capability.tryPipelined], ["unknown", true]);
  }
});

Deno.test("died both ways: nothing is learned about pipelining", () => {
  const capability = new Socks5Capability();
  assertEquals(capability.unanswered(ended(true, [])), true);
  assertEquals(capability.unanswered(ended(false, [])), false);
  assertEquals([capability.pipelining, capability.tryPipelined], ["unknown", true]);
});

Deno.test("a proxy known to pipeline is doubted only after three deaths in a row", () => {
  const capability = new Socks5Capability();
  capability.answered(ended(true, [5, 0, ...OK]));
  assertEquals(capability.unanswered(ended(true, [5, 0])), false);
  assertEquals(capability.unanswered(ended(true, [5, 0])), false);
  capability.answered(ended(true, [5, 0, ...OK]));
  assertEquals(capability.unanswered(ended(true, [5, 0])), false);
  assertEquals(capability.unanswered(ended(true, [5, 0])), false);
  assertEquals(capability.unanswered(ended(true, [5, 0])), true);
  assertEquals([capability.pipelining, capability.tryPipelined], ["unknown", false]);
});

Deno.test("a known method that is rejected is asked for again, once", () => {
  const capability = new Socks5Capability();
  capability.answered(ended(true, [5, 0, ...OK], { method: 0 }));
  assertEquals(capability.unanswered(ended(true, [5, 255], { method: 0 })), true);
  assertEquals(capability.method, undefined);
  assertEquals(capability.unanswered(ended(false, [5, 255], { method: 0 })), false);
  assertEquals(capability.unanswered(ended(false, [5, 2, 1, 1], { method: 2 })), false);
});

Deno.test("UDP: refused for good, closed on, or tested", () => {
  const refused = new Socks5Capability();
  refused.answered(ended(true, [5, 0, 5, 7, 0, 1, 0, 0, 0, 0, 0, 0], { command: "associate" }));
  assertEquals(refused.udp, "no");

  const connected = new Socks5Capability();
  connected.answered(ended(true, [5, 0, 5, 2, 0, 1, 0, 0, 0, 0, 0, 0]));
  assertEquals(connected.udp, "unknown");

  const closes = new Socks5Capability();
  assertEquals(closes.unanswered(ended(true, [5, 0], { command: "associate" })), true);
  assertEquals(closes.udp, "unknown");
  assertEquals(closes.unanswered(ended(false, [5, 0], { command: "associate" })), false);
  assertEquals(closes.udp, "no");

  closes.udpTested(true);
  assertEquals(closes.udp, "relays");
  closes.udpTested(false);
  assertEquals(closes.udp, "no");
});
