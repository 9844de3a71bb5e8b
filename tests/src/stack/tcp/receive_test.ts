/** What arrives: options, acceptability, resets, order, FIN. */

import { assertEquals } from "@std/assert";
import { brief, LocalHost, pattern } from "./local_host.ts";

Deno.test("tcp: options are agreed on only when the SYN has them (RFC 7323, 2018, 6691)", () => {
  const plain = new LocalHost().establish();
  assertEquals([plain.mss, plain.shift, plain.sackPermitted, plain.ts], [
    1460,
    undefined,
    undefined,
    undefined,
  ]);
  const host = new LocalHost({ tcp: { flowBytes: 1 << 20 } });
  const full = host.establish({ mss: 1000, shift: 7, sackPermitted: true, ts: [5, 0] });
  assertEquals([full.mss, full.shift, full.sackPermitted, full.ts?.[1]], [1460, 5, true, 5]);
  assertEquals(full.window, 65_535, "the window of a SYN is not scaled");
  assertEquals(host.connection.mss, 1000 - 12);
  assertEquals(host.connection.sndWnd, 65_535 << 7);
});

Deno.test("tcp: data in order goes to the owner, and one acknowledgement ends the batch", () => {
  const host = new LocalHost();
  host.establish();
  host.connection.soonAnswersWanted = Infinity;
  const answers = host.send({ flags: "A", data: 100 }, { flags: "A", seq: 101, data: 100 });
  assertEquals(brief(answers), ["A 1+0 ack 201"]);
  assertEquals(host.receivedBytes, [...pattern(1, 200)]);
});

Deno.test("tcp: data ahead of its turn waits, and is reported newest first (RFC 2018, 4)", () => {
  const host = new LocalHost();
  host.establish({ sackPermitted: true });
  assertEquals(host.send({ flags: "A", seq: 201, data: 100 })[0]?.sack, [[201, 301]]);
  assertEquals(host.send({ flags: "A", seq: 401, data: 100 })[0]?.sack, [[401, 501], [201, 301]]);
  const [answer] = host.send({ flags: "A", seq: 301, data: 50 });
  assertEquals([answer?.ack, answer?.sack], [1, [[201, 351], [401, 501]]]);
  assertEquals(brief(host.send({ flags: "A", seq: 1, data: 200 })), ["A 1+0 ack 351"]);
  const last = host.send({ flags: "A", seq: 351, data: 50 });
  assertEquals([last[0]?.ack, last[0]?.sack], [501, undefined]);
  assertEquals(host.receivedBytes, [...pattern(1, 500)]);
});

Deno.test("tcp: a segment that was changed on the way is dropped", () => {
  const host = new LocalHost();
  host.establish();
  const packet = host.segment({ flags: "A", data: 100 });
  packet[packet.length - 1]! ^= 4;
  assertEquals(host.receive(packet), []);
  assertEquals([host.counters.dropChecksum, host.receivedBytes.length], [1, 0]);
});

Deno.test("tcp: pieces that overlap are delivered once", () => {
  const host = new LocalHost();
  host.establish();
  host.send({ flags: "A", seq: 51, data: 100 });
  host.send({ flags: "A", seq: 31, data: 200 });
  host.send({ flags: "A", seq: 1, data: 60 });
  host.send({ flags: "A", seq: 1, data: 300 });
  assertEquals(host.receivedBytes, [...pattern(1, 300)]);
});

Deno.test("tcp: a reset with the exact number resets, in the window it is challenged, outside ignored (RFC 5961, 3)", () => {
  const host = new LocalHost();
  host.establish();
  assertEquals(host.send({ flags: "R", seq: 100_000 }), []);
  assertEquals(host.send({ flags: "R", seq: 0 }), []);
  assertEquals(brief(host.send({ flags: "R", seq: 2 })), ["A 1+0 ack 1"]);
  assertEquals(host.counters.tcpChallengeAcks, 1);
  assertEquals(host.connection.state, "Established");
  assertEquals(host.send({ flags: "R", seq: 1 }), []);
  assertEquals(host.events, ["connected", "failed: reset"]);
  host.checkEmpty();
});

Deno.test("tcp: a SYN in the window is challenged (RFC 5961, 4)", () => {
  const host = new LocalHost();
  host.establish();
  assertEquals(brief(host.send({ flags: "S", seq: 10 })), ["A 1+0 ack 1"]);
  assertEquals(host.connection.state, "Established");
});

Deno.test("tcp: acknowledgements of what was never sent, or long ago, are challenged (RFC 5961, 5)", () => {
  const host = new LocalHost();
  host.establish();
  for (const ack of [2, -70_000]) {
    assertEquals(brief(host.send({ flags: "A", ack, data: 5 })), ["A 1+0 ack 1"]);
  }
  assertEquals(host.receivedBytes, []);
});

Deno.test("tcp: an old timestamp marks an old duplicate, resets excepted (RFC 7323, 5)", () => {
  const host = new LocalHost();
  const { ts } = host.establish({ ts: [1_000, 0] });
  const echo = ts![0];
  host.send({ flags: "A", data: 10, ts: [2_000, echo] });
  const [answer] = host.send({ flags: "A", seq: 11, data: 10, ts: [1_999, echo] });
  assertEquals([answer?.ack, answer?.ts?.[1], host.counters.tcpPawsDropped], [11, 2_000, 1]);
  assertEquals(host.send({ flags: "A", seq: 11, data: 10 }), [], "without a timestamp: dropped");
  assertEquals(host.receivedBytes.length, 10);
  host.send({ flags: "R", seq: 11 });
  assertEquals(host.events.at(-1), "failed: reset");
});

Deno.test("tcp: timestamps wrap", () => {
  const host = new LocalHost();
  const { ts } = host.establish({ ts: [0xffff_fff0, 0] });
  host.connection.tsRecent = 0xffff_fff0;
  host.send({ flags: "A", data: 10, ts: [5, ts![0]] });
  assertEquals([host.receivedBytes.length, host.connection.tsRecent], [10, 5]);
});

Deno.test("tcp: only a segment that the last acknowledgement covers sets the echo (RFC 7323, 4.3)", () => {
  const host = new LocalHost();
  const { ts } = host.establish({ ts: [1, 0] });
  const echo = ts![0];
  const [early] = host.send({ flags: "A", seq: 11, data: 10, ts: [9, echo] });
  assertEquals(early?.ts?.[1], 1);
  const [inOrder] = host.send({ flags: "A", seq: 1, data: 10, ts: [10, echo] });
  assertEquals(inOrder?.ts?.[1], 10);
});

Deno.test("tcp: a pure acknowledgement at the edge of a full window is not answered", () => {
  const host = new LocalHost({ tcp: { flowBytes: 4_096 } });
  host.consumesAtOnce = false;
  host.establish();
  host.send({ flags: "A", seq: 2, data: 1_460 });
  assertEquals(host.send({ flags: "A", seq: 4_097 }), []);
});

Deno.test("tcp: what exceeds the window is cut off", () => {
  const host = new LocalHost({ tcp: { flowBytes: 4_096 } });
  host.consumesAtOnce = false;
  host.establish();
  assertEquals(host.send({ flags: "A", data: 5_000 })[0]?.ack, 4_097);
  const [probed] = host.send({ flags: "A", seq: 4_097, data: 1 });
  assertEquals([probed?.ack, probed?.window], [4_097, 0]);
  assertEquals(host.counters.tcpOutsideWindow, 2);
});

Deno.test("tcp: what the owner did not take is not acknowledged, and comes again", () => {
  const host = new LocalHost();
  host.establish();
  host.connection.soonAnswersWanted = Infinity;
  host.takes = 30;
  assertEquals(host.send({ flags: "A", data: 100 })[0]?.ack, 31);
  host.takes = 0;
  assertEquals(host.send({ flags: "A", seq: 31, data: 70 })[0]?.ack, 31);
  host.takes = Infinity;
  assertEquals(host.send({ flags: "A", seq: 31, data: 70 })[0]?.ack, 101);
  assertEquals(host.receivedBytes, [...pattern(1, 100)]);
});

Deno.test("tcp: FIN with data in one segment", () => {
  const host = new LocalHost();
  host.establish();
  host.connection.soonAnswersWanted = Infinity;
  assertEquals(brief(host.send({ flags: "FA", data: 10 })), ["A 1+0 ack 12"]);
  assertEquals(host.events, ["connected", "finished"]);
  assertEquals(brief(host.send({ flags: "FA", data: 10 })), ["A 1+0 ack 12"], "once more");
  assertEquals(host.connection.state, "CloseWait");
});

Deno.test("tcp: FIN ahead of its turn waits for the bytes before it, and is answered at once", () => {
  const host = new LocalHost();
  host.establish();
  host.connection.soonAnswersWanted = Infinity;
  assertEquals(brief(host.send({ flags: "FA", seq: 11 })), ["A 1+0 ack 1"]);
  assertEquals(host.events, ["connected"]);
  assertEquals(brief(host.send({ flags: "A", data: 10 })), ["A 1+0 ack 12"]);
  assertEquals(host.events, ["connected", "finished"]);
});

Deno.test("tcp: the owner aborts from inside each of its calls", () => {
  for (const inside of ["onReceived", "onFinished", "onWritable"] as const) {
    const host = new LocalHost();
    host.establish({ sackPermitted: true });
    host.send({ flags: "A", seq: 21, data: 10 });
    host[inside] = (connection) => connection.abort();
    const answers = host.send({ flags: "FA", data: 30 }, { flags: "A", seq: 40, data: 5 });
    assertEquals(answers.map(({ flags }) => flags[0]), ["R", "R"], inside);
    assertEquals(host.events.at(-1), "closed", inside);
    host.checkEmpty();
  }
});

Deno.test("tcp: the owner finishes and sends from inside its calls", () => {
  const host = new LocalHost();
  host.establish();
  host.onFinished = (connection) => {
    const at = host.place(pattern(0, 5));
    connection.send(at, at + 5);
    connection.finish();
  };
  assertEquals(brief(host.send({ flags: "FA" })), ["PA 1+5 ack 2", "FA 6+0 ack 2"]);
  host.send({ flags: "A", seq: 2, ack: 7 });
  assertEquals(host.events, ["connected", "finished", "closed"]);
  host.checkEmpty();
});
