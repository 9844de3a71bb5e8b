/** Limits in time, called back by whoever asks what is due. */

import { assertEquals } from "@std/assert";
import { Alarms } from "../../../src/engine/alarms.ts";

function recording() {
  const alarms = new Alarms();
  const called: number[] = [];
  const set = (deadline: number) => alarms.set(deadline, () => called.push(deadline));
  return { alarms, called, set };
}

Deno.test("what is due is called back, in the order of the deadlines, once", () => {
  const { alarms, called, set } = recording();
  for (const deadline of [30, 10, 20, 40]) set(deadline);
  assertEquals(alarms.nextDeadline, 10);
  alarms.advance(9);
  assertEquals(called, []);
  alarms.advance(30);
  assertEquals(called, [10, 20, 30]);
  assertEquals(alarms.nextDeadline, 40);
  alarms.advance(30);
  alarms.advance(100);
  assertEquals(called, [10, 20, 30, 40]);
  assertEquals(alarms.nextDeadline, Infinity);
});

Deno.test("one that was cancelled does not come, nor keep anybody waiting", () => {
  const { alarms, called, set } = recording();
  const [first, second] = [set(10), set(20)];
  first.cancel();
  first.cancel();
  assertEquals(alarms.nextDeadline, 20);
  alarms.advance(50);
  assertEquals(called, [20]);
  second.cancel();
  alarms.advance(60);
  assertEquals(called, [20]);
});

Deno.test("a callback may cancel others, and set new ones", () => {
  const alarms = new Alarms();
  const called: string[] = [];
  const later = alarms.set(11, () => called.push("later"));
  alarms.set(10, () => {
    called.push("first");
    later.cancel();
    alarms.set(12, () => called.push("due at once"));
    alarms.set(30, () => called.push("not yet"));
  });
  alarms.advance(20);
  assertEquals(called, ["first", "due at once"]);
  assertEquals(alarms.nextDeadline, 30);
});

Deno.test("one without end never comes", () => {
  const { alarms, called, set } = recording();
  const never = set(Infinity);
  alarms.advance(Number.MAX_SAFE_INTEGER);
  assertEquals([called, alarms.nextDeadline], [[], Infinity]);
  never.cancel();
});
