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
  assertEquals(brief(host.send({ flags: "A", seq: 101, data: 100 })), ["A 1+0 ack 201"]);
  // An answer after 3 ms changes nothing; one at once does.
  host.pass(3);
  host.give(10);
  assertEquals(brief(host.send({ flags: "A", seq: 201, ack: 11, data: 10 })), ["A 11+0 ack 211"]);
  host.give(10);
  assertEquals(host.send({ flags: "A", seq: 211, ack: 21, data: 10 }), []);
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
