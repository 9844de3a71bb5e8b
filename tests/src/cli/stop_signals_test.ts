import { assertEquals } from "@std/assert";
import { stopSignals } from "../../../src/cli/stop_signals.ts";
import { FakeEnvironment } from "./fake_environment.ts";

class World {
  readonly environment = new FakeEnvironment();
  readonly signals = stopSignals(this.environment);
  readonly seen: string[] = [];

  constructor() {
    this.signals.first.then(() => this.seen.push("first"));
    this.signals.second.then(() => this.seen.push("second"));
  }

  /** As the system would; what has been told then. */
  async raise(signal: Deno.Signal): Promise<string[]> {
    for (const listener of this.environment.listeners.get(signal) ?? []) listener();
    await Promise.resolve();
    return this.seen;
  }

  /** How many listen to each signal. */
  listeners(): Record<string, number> {
    return Object.fromEntries(
      [...this.environment.listeners].map(([name, set]) => [name, set.size]),
    );
  }
}

for (
  const order of [["SIGINT", "SIGTERM"], ["SIGTERM", "SIGTERM"], ["SIGINT", "SIGINT"]] as const
) {
  Deno.test(`the first and the second signal are told apart: ${order.join(", ")}`, async () => {
    const world = new World();
    assertEquals(await world.raise("SIGHUP"), []);
    assertEquals(await world.raise(order[0]), ["first"]);
    assertEquals(await world.raise(order[1]), ["first", "second"]);
    assertEquals(await world.raise("SIGTERM"), ["first", "second"]);
  });
}

Deno.test("released, the signals are the system's again, and tell nothing", async () => {
  const world = new World();
  assertEquals(world.listeners(), { SIGINT: 1, SIGTERM: 1 });
  world.signals.release();
  assertEquals(world.listeners(), { SIGINT: 0, SIGTERM: 0 });
  assertEquals(await world.raise("SIGTERM"), []);
  world.signals.release();
});
