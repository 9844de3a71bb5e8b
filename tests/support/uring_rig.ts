/** A ring with memory of its own, whose completions can be looked at at leisure. */

import { Memory } from "../../ffi/memory.ts";
import { type Kernel, systemCalls } from "../../ffi/uring_kernel_linux.ts";
import { Ring } from "../../ffi/uring_linux.ts";

export interface Completed {
  readonly tag: number;
  readonly kind: number;
  readonly result: number;
  readonly flags: number;
}

const SIZE = 1 << 22;
const PATIENCE_MS = 20_000;
/** Kind of the request that ends all others. */
const LAST = 0xffff_fff0;

export class UringRig implements Disposable {
  readonly memory = new Memory(SIZE);
  readonly bytes: Uint8Array<ArrayBuffer> = this.memory.bytes;
  readonly ring: Ring;
  readonly #seen: Completed[] = [];

  constructor(entries = 64, completions = 256, kernel: Kernel = systemCalls) {
    this.ring = new Ring({ entries, completions, memory: this.memory }, kernel);
  }

  /** The next completion, in the order of their coming. */
  one(): Completed {
    const deadline = performance.now() + PATIENCE_MS;
    while (this.#seen.length === 0) {
      if (performance.now() > deadline) throw new Error("Nothing completes");
      this.ring.wait(PATIENCE_MS);
      this.#take();
    }
    return this.#seen.shift()!;
  }

  /** The next ones. */
  some(count: number): Completed[] {
    return Array.from({ length: count }, () => this.one());
  }

  /** The next ones by tag, because the order of what is done at the same time is not said. */
  byTag(count: number): Map<number, Completed> {
    return new Map(this.some(count).map((completed) => [completed.tag, completed]));
  }

  /** All that has completed by now. */
  now(): Completed[] {
    this.ring.submit();
    this.#take();
    return this.#seen.splice(0);
  }

  [Symbol.dispose](): void {
    this.ring.cancelAll(0, LAST);
    while (this.one().kind !== LAST);
    this.ring.close();
    this.memory.free();
  }

  #take(): void {
    const { ring } = this;
    const count = ring.ready();
    for (let i = 0; i < count; i++) {
      this.#seen.push({
        tag: ring.completionTag(i),
        kind: ring.completionKind(i),
        result: ring.completionResult(i),
        flags: ring.completionFlags(i),
      });
    }
    ring.consumed(count);
  }
}
