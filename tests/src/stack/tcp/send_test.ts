/** What leaves: segments, windows, loss recovery, FIN. */

import { assert, assertEquals } from "@std/assert";
import { brief, LocalHost } from "./local_host.ts";

const SACK = { mss: 1000, sackPermitted: true, shift: 0 } as const;

Deno.test("tcp: data leaves in segments of the peer's size, pushed at the end", () => {
  const host = new LocalHost();
  host.establish({ mss: 1000 });
  assertEquals(brief(host.give(2_500)), [
    "A 1+1000 ack 1",
    "A 1001+1000 ack 1",
    "PA 2001+500 ack 1",
  ]);
  assertEquals(host.connection.sendRoom, 65_535 - 2_500);
});

Deno.test("tcp: with virtio headers a super-segment leaves in one piece", () => {
  const host = new LocalHost({ vnet: true, tcp: { flowBytes: 1 << 20 } });
  host.establish({ mss: 1000, shift: 7 });
  host.connection.congestion.window = 1 << 20;
  const before = host.written.length;
  const pieces = host.give(65_000);
  assertEquals(host.written.slice(before).map((packet) => packet.length), [10 + 40 + 65_000]);
  assertEquals([pieces.length, pieces[0]?.length, pieces.at(-1)?.flags], [65, 1_000, "PA"]);
});

Deno.test("tcp: ten segments at first, then as acknowledgements come (RFC 6928, 5681)", () => {
  const host = new LocalHost();
  host.establish({ mss: 1000 });
  assertEquals(host.give(30_000).length, 10);
  assertEquals(brief(host.send({ flags: "A", ack: 2_001 })).length, 4, "slow start: two for one");
});

Deno.test("tcp: slots go back when the bytes are acknowledged", () => {
  const host = new LocalHost();
  host.establish({ mss: 1000 });
  const before = host.link.arena.freeSmall;
  host.give(1_500);
  host.send({ flags: "A", ack: 1_400 });
  assertEquals(host.link.arena.freeSmall, before - 1);
  host.send({ flags: "A", ack: 1_501 });
  assertEquals(host.link.arena.freeSmall, before);
});

Deno.test("tcp: three duplicates bring a fast retransmission (RFC 5681, 3.2)", () => {
  const host = new LocalHost();
  host.establish({ mss: 1000 });
  host.give(8_000);
  assertEquals(host.send({ flags: "A" }, { flags: "A" }), []);
  assertEquals(brief(host.send({ flags: "A" })), ["A 1+1000 ack 1"]);
  assertEquals(host.send({ flags: "A" }), []);
  assertEquals(brief(host.send({ flags: "A", ack: 3_001 })), ["A 3001+1000 ack 1"], "partial");
  host.send({ flags: "A", ack: 8_001 });
  assertEquals([host.connection.recovery, host.counters.tcpFastRecoveries], ["none", 1]);
});

Deno.test("tcp: a window update, data or FIN is no duplicate", () => {
  const host = new LocalHost();
  host.establish({ mss: 1000 });
  host.give(5_000);
  for (const window of [60_000, 61_000, 62_000, 63_000]) host.send({ flags: "A", window });
  host.send(
    { flags: "A", window: 63_000, data: 1 },
    { flags: "A", seq: 2, window: 63_000, data: 1 },
    { flags: "A", seq: 3, window: 63_000, data: 1 },
  );
  assertEquals(host.counters.tcpRetransmissions, 0);
});

Deno.test("tcp: holes that SACK shows are filled, and nothing else (RFC 6675)", () => {
  const host = new LocalHost();
  host.establish(SACK);
  host.give(9_000);
  const answers = host.send(
    { flags: "A", sack: [[1_001, 2_001]] },
    { flags: "A", sack: [[3_001, 4_001], [1_001, 2_001]] },
    { flags: "A", sack: [[3_001, 9_001], [1_001, 2_001]] },
  );
  const again = answers.filter(({ length }) => length > 0);
  assertEquals(brief(again), ["A 1+1000 ack 1", "A 2001+1000 ack 1"]);
  host.send({ flags: "A", ack: 9_001 });
  assertEquals(host.connection.scoreboard.isEmpty, true);
});

Deno.test("tcp: SACK blocks outside of what is in flight are ignored", () => {
  const host = new LocalHost();
  host.establish(SACK);
  host.give(5_000);
  host.send({ flags: "A", sack: [[90_000, 91_000], [3_000, 2_000], [0, 1]] });
  assertEquals(host.connection.scoreboard.isEmpty, true);
});

Deno.test("tcp: no bytes beyond the window, no crumbs into it (RFC 9293, 3.8.6.2.1)", () => {
  const host = new LocalHost();
  host.establish({ mss: 1000, window: 2_500 });
  assertEquals(brief(host.give(2_500)).length, 3);
  host.send({ flags: "A", ack: 1_001, window: 1_500 });
  host.give(800);
  assertEquals(host.connection.flight, 1_500, "the window is full");
  assertEquals(host.send({ flags: "A", ack: 2_001, window: 700 }), [], "200 bytes are a crumb");
  assertEquals(brief(host.send({ flags: "A", ack: 2_501, window: 2_500 })), ["PA 2501+800 ack 1"]);
});

Deno.test("tcp: FIN follows the last byte, and is sent again alone", () => {
  const host = new LocalHost();
  host.establish({ mss: 1000 });
  host.give(500);
  assertEquals(brief(host.own((c) => c.finish())), ["FA 501+0 ack 1"]);
  host.send({ flags: "A", ack: 501 });
  assertEquals(brief(host.pass(300)), ["FA 501+0 ack 1"]);
  host.send({ flags: "A", ack: 502 });
  assertEquals(host.connection.state, "FinWait2");
});

Deno.test("tcp: after finish nothing is taken any more", () => {
  const host = new LocalHost();
  host.establish();
  host.own((c) => c.finish());
  const before = host.link.arena.freeSmall;
  assertEquals(host.give(10), []);
  assertEquals([host.link.arena.freeSmall, host.connection.sendRoom], [before, 0]);
});

Deno.test("tcp: both ends close at once (RFC 9293, 3.6)", () => {
  const host = new LocalHost();
  host.establish();
  host.own((c) => c.finish());
  assertEquals(brief(host.send({ flags: "FA" })), ["A 2+0 ack 2"]);
  assertEquals(host.connection.state, "Closing");
  host.send({ flags: "A", seq: 2, ack: 2 });
  assertEquals([host.connection.state, host.events.at(-1)], ["TimeWait", "closed"]);
  assertEquals(host.pass(30_000), []);
  host.checkEmpty();
});

Deno.test("tcp: TIME-WAIT acknowledges the FIN that comes again, and waits anew (RFC 9293, 3.10.7.4)", () => {
  const host = new LocalHost();
  host.establish();
  host.own((c) => c.finish());
  host.send({ flags: "FA", ack: 2 });
  host.pass(29_000);
  assertEquals(brief(host.send({ flags: "FA", ack: 2 })), ["A 2+0 ack 2"]);
  host.pass(29_000);
  assertEquals(host.stack.connections.size, 1);
  host.pass(1_000);
  host.checkEmpty();
});

Deno.test("tcp: what was offered is never taken back (RFC 9293, 3.8.6)", () => {
  const host = new LocalHost({ largeSlots: 8, tcp: { flowBytes: 1 << 18 } });
  host.establish({ shift: 7 });
  host.connection.soonAnswersWanted = Infinity;
  const [before] = host.send({ flags: "A", data: 10 });
  const taken: number[] = [];
  for (let at = host.link.arena.takeLarge(); at >= 0; at = host.link.arena.takeLarge()) {
    taken.push(at);
  }
  const [after] = host.send({ flags: "A", seq: 11, data: 1_000 });
  const edge = (ack: number, window: number) => ack + (window << host.connection.rcvShift);
  const step = 1 << host.connection.rcvShift;
  assert(edge(after!.ack, after!.window) > edge(before!.ack, before!.window) - step);
  assert(edge(after!.ack, after!.window) <= edge(before!.ack, before!.window), "but not more");
  for (const at of taken) host.link.arena.release(at);
});

Deno.test("tcp: the window closes as bytes are held, and opens in one step (RFC 9293, 3.8.6.2.2)", () => {
  const host = new LocalHost({ tcp: { flowBytes: 8_192 } });
  host.consumesAtOnce = false;
  host.establish();
  assertEquals(host.send({ flags: "A", data: 8_192 })[0]?.window, 0);
  assertEquals(host.own((c) => c.consumed(500)), []);
  assertEquals(host.own((c) => c.consumed(3_000))[0]?.window, 3_500);
});
