import { assertEquals } from "@std/assert";
import type { ProcessNews } from "../../../ffi/process_events_linux.ts";
import {
  ProgramWatch,
  type ProgramWatchSystem,
  type Started,
} from "../../../src/capture/program_watch.ts";

/** A kernel that tells what the test says, and a clock that the test moves. */
class Rig {
  readonly told: Started[] = [];
  readonly lines: string[] = [];
  closed = 0;
  #timers: (() => void)[] = [];
  #waiting: PromiseWithResolvers<ProcessNews> = Promise.withResolvers();

  watch(system: Partial<ProgramWatchSystem> = {}): ProgramWatch {
    return new ProgramWatch({
      onStart: (started) => this.told.push(started),
      log: { debug: (line) => this.lines.push(line) },
    }, { openEvents: () => this.#events(), after: this.#after, ...system });
  }

  async tell(news: ProcessNews): Promise<void> {
    this.#waiting.resolve(news);
    await settled();
  }

  async fail(): Promise<void> {
    this.#waiting.reject(new Error("no more"));
    await settled();
  }

  /** A second passes; gives how many timers there were. */
  second(): number {
    const due = this.#timers;
    this.#timers = [];
    due.forEach((callback) => callback());
    return due.length;
  }

  #after = (_: number, callback: () => void) => {
    this.#timers.push(callback);
    return () => {
      this.#timers = this.#timers.filter((each) => each !== callback);
    };
  };

  #events() {
    return {
      next: () => {
        this.#waiting = Promise.withResolvers();
        return this.#waiting.promise;
      },
      close: () => {
        this.closed++;
        this.#waiting.resolve({ named: new Set(), lost: false });
        return Promise.resolve();
      },
    };
  }
}

/** Lets what waits for a promise run. */
function settled(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 0));
}

Deno.test("what the kernel tells is passed on; of lost news nobody knows whom they are about", async () => {
  const rig = new Rig();
  const watch = rig.watch();
  await rig.tell({ named: new Set([7, 8]), lost: false });
  await rig.tell({ named: new Set([9]), lost: true });
  assertEquals(rig.told, [new Set([7, 8]), undefined]);
  assertEquals(rig.second(), 0);
  await watch.close();
  assertEquals([rig.closed, rig.told.length], [1, 2]);
});

Deno.test("without news it is every second, until it is closed", async () => {
  const rig = new Rig();
  const watch = rig.watch({
    openEvents() {
      throw new Error("in a container");
    },
  });
  rig.second();
  rig.second();
  assertEquals(rig.told, [undefined, undefined]);
  assertEquals(rig.lines, [
    "No news of programs that start, looking instead: Error: in a container",
  ]);
  await watch.close();
  assertEquals(rig.second(), 0);
});

Deno.test("when the news end, it goes on by looking", async () => {
  const rig = new Rig();
  const watch = rig.watch();
  await rig.fail();
  assertEquals(rig.told, []);
  rig.second();
  assertEquals(rig.told, [undefined]);
  await watch.close();
  assertEquals([rig.closed, rig.second()], [1, 0]);
});
