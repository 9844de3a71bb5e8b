import { assertEquals } from "@std/assert";
import { Arena } from "../../../src/arena.ts";
import { Counters } from "../../../src/counters.ts";
import { Alarms } from "../../../src/engine/alarms.ts";
import type { EngineContext } from "../../../src/engine/context.ts";
import { Housekeeping } from "../../../src/engine/housekeeping.ts";
import { Memory } from "../../../ffi/memory.ts";

const LARGE = 64;
const SMALL = 64;

/** An engine's clock, counters and memory, without the engine. */
function world() {
  const memory = new Memory(Arena.size(LARGE, SMALL));
  const arena = new Arena(memory.bytes, LARGE, SMALL);
  const alarms = new Alarms();
  const counters = new Counters();
  let now = 0;
  const context = {
    arena,
    counters,
    stack: { connections: { size: 0 } },
    after: (milliseconds: number, callback: () => void) => alarms.set(now + milliseconds, callback),
  } as unknown as EngineContext;
  const keeper = new Housekeeping(context, memory);
  /** Lets so many seconds pass; how often somebody was woken in them. */
  const pass = (seconds: number): number => {
    let woken = 0;
    for (const end = now + seconds * 1_000; alarms.nextDeadline <= end;) {
      now = alarms.nextDeadline;
      alarms.advance(now);
      // The engine's loop settles after every alarm.
      keeper.notice();
      woken++;
    }
    return woken;
  };
  return { memory, arena, alarms, counters, keeper, pass };
}

Deno.test("packet memory that a burst has filled is given back, what is held stays", () => {
  const { memory, arena, counters, keeper, pass } = world();
  const slots = Array.from({ length: LARGE }, () => arena.takeLarge());
  for (const at of slots) memory.bytes[at] = 1;
  const [held, ...released] = slots;
  for (const at of released) arena.release(at);
  counters.packetsReceived = 1;
  keeper.notice();
  pass(30);
  assertEquals(memory.bytes[held!], 1);
  assertEquals(released.filter((at) => memory.bytes[at] !== 0), []);
  memory.free();
});

Deno.test("it looks as long as something moves, and then wakes nobody", () => {
  const { memory, counters, keeper, pass } = world();
  for (let second = 0; second < 5; second++) {
    counters.packetsReceived++;
    keeper.notice();
    assertEquals(pass(1), 1);
  }
  assertEquals(pass(3_600) <= 4, true);
  assertEquals(pass(3_600), 0);
  memory.free();
});

Deno.test("stopped, it wakes nobody", () => {
  const { memory, keeper, pass } = world();
  keeper.notice();
  keeper.stop();
  assertEquals(pass(60), 0);
  memory.free();
});

Deno.test("many flows that came and went are collected", async () => {
  const { memory, counters, keeper, pass } = world();
  const lost = new WeakRef({});
  await new Promise((next) => setTimeout(next, 0));
  counters.packetsReceived = 1;
  counters.tcpOpened = 1_000;
  keeper.notice();
  pass(10);
  assertEquals(lost.deref(), undefined);
  memory.free();
});
