/** What happens with time: retransmission, probes, idleness, giving up. */

import { assertEquals } from "@std/assert";
import { brief, LocalHost } from "./local_host.ts";

/** Passes time in steps, and tells when something left. */
function timesOfAnswers(host: LocalHost, total: number, step = 10): number[] {
  const start = host.now;
  const times: number[] = [];
  while (host.now - start < total) {
    if (host.pass(step).length > 0) times.push(host.now - start);
  }
  return times;
}

Deno.test("tcp: SYN and ACK are sent again after 1, 2, 4, 8, 16 s, then reset (RFC 6298, 5.7)", () => {
  const host = new LocalHost();
  host.send({ flags: "S", seq: 0 });
  host.own((c) => c.accept());
  assertEquals(timesOfAnswers(host, 62_000), [1_000, 3_000, 7_000, 15_000, 31_000]);
  assertEquals(brief(host.pass(1_000)), ["RA 1+0 ack 1"]);
  assertEquals(host.events, ["failed: timed-out"]);
  host.checkEmpty();
});

Deno.test("tcp: retransmissions back off, and end with a reset (RFC 6298, 5.5; RFC 9293, 3.8.3)", () => {
  const host = new LocalHost();
  host.establish({ mss: 1000 });
  host.give(100);
  const times = timesOfAnswers(host, 100_000);
  // The handshake took no time, so that the timeout begins at its margin of 200 ms.
  assertEquals(times.slice(0, 6), [210, 610, 1_410, 3_010, 6_210, 12_610]);
  assertEquals(host.pass(70_000).map(({ flags }) => flags), ["A", "RA"]);
  assertEquals(host.events.at(-1), "failed: timed-out");
  host.checkEmpty();
});

Deno.test("tcp: a peer that was silent for long before is not given up at the first timeout", () => {
  const host = new LocalHost();
  host.establish({ mss: 1000 });
  host.pass(1_000_000);
  host.give(100);
  assertEquals(brief(host.pass(300)), ["A 1+100 ack 1"], "sent again, not reset");
  assertEquals(host.pass(60_000).map(({ flags }) => flags), ["A", "A", "A", "A", "A", "A", "A"]);
  host.send({ flags: "A", ack: 101 });
  assertEquals(host.events, ["connected"]);
});

Deno.test("tcp: after a timeout everything out is sent again, from one segment on (RFC 5681, 3.1)", () => {
  const host = new LocalHost();
  host.establish({ mss: 1000 });
  host.give(5_000);
  assertEquals(brief(host.pass(300)), ["A 1+1000 ack 1"]);
  assertEquals(brief(host.send({ flags: "A", ack: 1_001 })), [
    "A 1001+1000 ack 1",
    "A 2001+1000 ack 1",
  ]);
  assertEquals(host.send({ flags: "A", ack: 5_001 }), []);
  assertEquals(host.connection.retransmitAt, Infinity);
});

Deno.test("tcp: what SACK reported is not trusted after a timeout (RFC 2018, 8)", () => {
  const host = new LocalHost();
  host.establish({ mss: 1000, sackPermitted: true });
  host.give(3_000);
  host.send({ flags: "A", sack: [[2_001, 3_001]] });
  host.pass(300);
  assertEquals(host.connection.scoreboard.isEmpty, true);
  assertEquals(brief(host.send({ flags: "A", ack: 2_001 })), ["A 2001+1000 ack 1"]);
});

Deno.test("tcp: a closed window is probed, ever more seldom, as long as it is answered (RFC 9293, 3.8.6.1)", () => {
  const host = new LocalHost();
  host.establish({ mss: 1000, window: 1_000 });
  host.give(1_000);
  host.send({ flags: "A", ack: 1_001, window: 0 });
  assertEquals(host.give(500), []);
  const probes: number[] = [];
  const start = host.now;
  while (probes.length < 6) {
    for (const probe of host.pass(10)) {
      assertEquals(brief([probe]), ["A 1000+0 ack 1"], "one byte behind: it must be answered");
      probes.push(host.now - start);
      host.send({ flags: "A", ack: 1_001, window: 0 });
    }
  }
  assertEquals(probes.map((time, i) => time - (probes[i - 1] ?? 0)).slice(1), [
    400,
    800,
    1_600,
    3_200,
    6_400,
  ]);
  assertEquals(brief(host.send({ flags: "A", ack: 1_001, window: 1_000 })), ["PA 1001+500 ack 1"]);
});

Deno.test("tcp: a small window gets what it takes once the persist timer runs out", () => {
  const host = new LocalHost();
  host.establish({ mss: 1000, window: 4_000 });
  host.give(4_000);
  host.send({ flags: "A", ack: 4_001, window: 100 });
  assertEquals(host.give(100).length, 1, "what fits whole goes at once");
  host.send({ flags: "A", ack: 4_101, window: 300 });
  assertEquals(host.give(1_000), []);
  assertEquals(brief(host.pass(500)).slice(0, 1), ["A 4101+300 ack 1"]);
});

Deno.test("tcp: a closed window that nobody answers for is given up", () => {
  const host = new LocalHost();
  host.establish({ mss: 1000, window: 1_000 });
  host.give(1_000);
  host.send({ flags: "A", ack: 1_001, window: 0 });
  host.give(500);
  host.pass(400_000);
  assertEquals(host.events.at(-1), "failed: timed-out");
  host.checkEmpty();
});

Deno.test("tcp: keep-alive after the idle limit; a silent peer is gone after three (RFC 9293, 3.8.4)", () => {
  const host = new LocalHost();
  host.establish();
  assertEquals(host.pass(7_199_000), []);
  assertEquals(brief(host.pass(1_000)), ["A 0+0 ack 1"]);
  host.send({ flags: "A" });
  assertEquals(host.pass(7_199_000), [], "answered: the limit begins anew");
  assertEquals(host.pass(1_000 + 150_000).length, 3);
  assertEquals(host.pass(75_000).map(({ flags }) => flags), ["RA"]);
  assertEquals(host.events.at(-1), "failed: idle");
  host.checkEmpty();
});

Deno.test("tcp: when the clock jumps a peer still gets its time to answer", () => {
  const host = new LocalHost();
  host.establish({ mss: 1000 });
  host.now += 80_000_000;
  host.stack.advance(host.now);
  assertEquals(host.read(host.take()).length, 1, "one keep-alive, not all of them at once");
  host.send({ flags: "A" });
  host.give(100);
  host.now += 80_000_000;
  host.stack.advance(host.now);
  assertEquals(brief(host.read(host.take())), ["A 1+100 ack 1"]);
  assertEquals(host.events, ["connected"]);
});

Deno.test("tcp: half-closed and silent is gone after its limit, from whichever side", () => {
  const ours = new LocalHost();
  ours.establish();
  ours.pass(1_000_000);
  ours.own((c) => c.finish());
  ours.send({ flags: "A", ack: 2 });
  assertEquals(ours.pass(59_000), [], "the limit begins with the FIN, not before");
  assertEquals(ours.pass(1_000).map(({ flags }) => flags), ["RA"]);
  ours.checkEmpty();

  const theirs = new LocalHost();
  theirs.establish();
  theirs.send({ flags: "FA" });
  theirs.pass(60_000);
  assertEquals(theirs.events.at(-1), "failed: idle");
  theirs.checkEmpty();
});

Deno.test("tcp: half-closed with data that moves lives on", () => {
  const host = new LocalHost();
  host.establish();
  host.own((c) => c.finish());
  host.send({ flags: "A", ack: 2 });
  for (let i = 0; i < 10; i++) {
    host.pass(50_000);
    host.send({ flags: "A", seq: 1 + i, ack: 2, data: 1 });
  }
  assertEquals([host.events, host.receivedBytes.length], [["connected"], 10]);
});

Deno.test("tcp: LAST-ACK without an answer comes to an end", () => {
  const host = new LocalHost();
  host.establish();
  host.send({ flags: "FA" });
  host.own((c) => c.finish());
  host.pass(300_000);
  assertEquals(host.events.at(-1), "failed: timed-out");
  host.checkEmpty();
});
