/** Acknowledgements that wait for an answer: little, not for long, and only where answers come soon. */

import { assertEquals } from "@std/assert";
import { brief, LocalHost } from "./local_host.ts";

function established(): LocalHost {
  const host = new LocalHost();
  host.establish();
  return host;
}

Deno.test("delayed ack: an answer takes the acknowledgement along", () => {
  const host = established();
  assertEquals(host.send({ flags: "A", data: 100 }), []);
  host.pass(1);
  assertEquals(brief(host.give(10)), ["PA 1+10 ack 101"]);
  assertEquals(host.pass(100), []);
});

Deno.test("delayed ack: without an answer it goes after 2 ms, and from then on at once", () => {
  const host = established();
  assertEquals(host.send({ flags: "A", data: 100 }), []);
  assertEquals(host.pass(1), []);
  assertEquals(brief(host.pass(1)), ["A 1+0 ack 101"]);
  // Answers after 3 ms change nothing; enough of them at once do.
  const acknowledgedAtOnce = (answerAfter: number, seq: number, ack: number) => {
    const answers = host.send({ flags: "A", seq, ack, data: 1 });
    host.pass(answerAfter);
    host.give(1);
    return answers.length === 1;
  };
  for (let round = 0; round < 40; round++) {
    const soon = round >= 20;
    const expected = round < 36;
    const seen = acknowledgedAtOnce(soon ? 0 : 3, 101 + round, 1 + round);
    assertEquals(seen, expected, `round ${round}`);
  }
});

Deno.test("delayed ack: a window probe does not take it along, which the peer may throw away", () => {
  const host = established();
  host.send({ flags: "A", window: 0 });
  host.give(100);
  // Just before the next probe.
  while (host.connection.persistAt - host.stack.now > 1) host.pass(1);
  const probes = host.counters.tcpWindowProbes;
  assertEquals(host.send({ flags: "A", data: 10, window: 0 }), []);
  const sent = brief(host.pass(1));
  assertEquals(host.counters.tcpWindowProbes, probes + 1);
  assertEquals(sent, ["A 0+0 ack 11", "A 1+0 ack 11"]);
});

Deno.test("delayed ack: more small pieces do not put it off, a whole segment ends the wait", () => {
  const host = established();
  host.send({ flags: "A", data: 100 });
  host.pass(1);
  assertEquals(host.send({ flags: "A", seq: 101, data: 100 }), []);
  assertEquals(brief(host.pass(1)), ["A 1+0 ack 201"]);
  const whole = established();
  const { mss } = whole.connection;
  whole.send({ flags: "A", data: mss - 1 });
  assertEquals(brief(whole.send({ flags: "A", seq: mss, data: 1 })), [`A 1+0 ack ${mss + 1}`]);
});

Deno.test("delayed ack: what fills a hole, or lies beyond one, is acknowledged at once", () => {
  const host = established();
  assertEquals(brief(host.send({ flags: "A", seq: 11, data: 10 })), ["A 1+0 ack 1"]);
  assertEquals(brief(host.send({ flags: "A", seq: 1, data: 10 })), ["A 1+0 ack 21"]);
});

Deno.test("delayed ack: the peer's FIN waits for ours; the last FIN of all does not", () => {
  const first = established();
  assertEquals(first.send({ flags: "FA" }), []);
  assertEquals(brief(first.own((connection) => connection.finish())), ["FA 1+0 ack 2"]);
  const last = established();
  assertEquals(brief(last.own((connection) => connection.finish())), ["FA 1+0 ack 1"]);
  last.send({ flags: "A", ack: 2 });
  assertEquals(brief(last.send({ flags: "FA", ack: 2 })), ["A 2+0 ack 2"]);
});
