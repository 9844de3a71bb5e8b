/** What can be fuzzed: a source of inputs, and something that takes them and may not break. */

export interface FuzzTarget {
  readonly name: string;
  /** So many inputs make one run; the next one begins with everything new. */
  readonly runLength: number;
  /** Begins a run. Everything that happens in it follows from `seed` and the inputs. */
  start(seed: number): FuzzRun;
}

export interface FuzzRun {
  /** Makes the next input; valid until the next call. */
  next(): Uint8Array;
  /** Takes an input; throws when a property does not hold. */
  feed(input: Uint8Array): void;
  /** The run is over: throws when anything is left. */
  finish(): void;
}

/** A property that does not hold, as opposed to an error in the code under test. */
export class Violation extends Error {
  override readonly name = "Violation";
}

export function hold(condition: boolean, what: string): asserts condition {
  if (!condition) throw new Violation(what);
}
