/** Runs a target for so many inputs; a failure says how to see it again. */

import type { FuzzRun, FuzzTarget } from "./target.ts";

/** An input that broke something. */
export class FuzzFailure extends Error {
  override readonly name = "FuzzFailure";
}

/**
 * Feeds `count` inputs, in runs of `target.runLength`; the run `i` has the seed `seed + i`, so that a
 * failure is repeated without what came before its run.
 */
export function fuzz(
  target: FuzzTarget,
  seed: number,
  count: number,
  progress: (done: number) => void = () => {},
): void {
  for (let done = 0; done < count; seed++) {
    const length = Math.min(target.runLength, count - done);
    runOnce(target, seed, length);
    done += length;
    progress(done);
  }
}

/** Feeds inputs that are kept, in one run. */
export function replay(target: FuzzTarget, inputs: readonly Uint8Array[]): void {
  const run = target.start(0);
  for (const input of inputs) run.feed(input);
  run.finish();
}

function runOnce(target: FuzzTarget, seed: number, length: number): void {
  const run: FuzzRun = target.start(seed);
  let input = new Uint8Array(0);
  let index = 0;
  try {
    for (; index < length; index++) {
      input = run.next().slice();
      run.feed(input);
    }
    run.finish();
  } catch (cause) {
    const where = index < length ? `input ${index}` : "the end";
    const again = `deno task fuzz --target ${target.name} --seed ${seed} --packets ${
      Math.min(index + 1, length)
    }`;
    throw new FuzzFailure(
      `${target.name}: seed ${seed}, ${where}: ${cause}\ninput: ${input.toHex()}\nagain: ${again}`,
      { cause },
    );
  }
}
