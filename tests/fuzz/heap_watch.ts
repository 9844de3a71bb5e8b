/**
 * Sees whether the heap grows. Only what a collection leaves is counted: how much garbage lies about is
 * V8's affair, and varied by 60 MiB in runs where nothing was kept.
 */

import v8 from "node:v8";
import vm from "node:vm";
import { Violation } from "./target.ts";

/** Below this many samples there is nothing to say. */
const FEWEST = 12;
/** Compiled code and inline caches come and go by some hundred KiB. */
const TOLERANCE = 2 << 20;

v8.setFlagsFromString("--expose-gc");
/** Contexts made after the flag was set have it; nobody has to start the program with a flag. */
const collect: () => void = vm.runInNewContext("gc");

export class HeapWatch {
  readonly #samples: number[] = [];
  readonly #used: () => number;

  constructor(used: () => number = heapInUse) {
    this.#used = used;
  }

  /** Takes note of the heap as it is. */
  sample(): void {
    this.#samples.push(this.#used());
  }

  get text(): string {
    return `${((this.#samples.at(-1) ?? 0) / (1 << 20)).toFixed(1)} MiB`;
  }

  /** Throws when the heap has grown. */
  check(): void {
    const count = this.#samples.length;
    if (count < FEWEST) return;
    const third = Math.floor(count / 3);
    const before = Math.min(...this.#samples.slice(third, 2 * third));
    const after = Math.min(...this.#samples.slice(2 * third));
    if (after > before + TOLERANCE) {
      throw new Violation(`The heap has grown from ${before} to ${after} bytes`);
    }
  }
}

function heapInUse(): number {
  collect();
  return Deno.memoryUsage().heapUsed;
}
