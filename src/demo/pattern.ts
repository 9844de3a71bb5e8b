/**
 * The bytes that the demo moves: byte `i` is `i % 251`. The period is a prime, so a byte that is lost,
 * doubled or out of its place shows wherever buffers and segments may end.
 */

const PERIOD = 251;

/** A whole number of periods: every chunk of a stream is the same one. */
export const PATTERN_CHUNK: Uint8Array<ArrayBuffer> = patternOf(PERIOD * 1024);

/** The pattern from its beginning; of any length. */
export function patternOf(length: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(length);
  for (let i = 0; i < Math.min(PERIOD, length); i++) bytes[i] = i;
  for (let done = PERIOD; done < length; done *= 2) bytes.copyWithin(done, 0, done);
  return bytes;
}

/** Follows a stream and says whether every byte so far was the right one. */
export class PatternCheck {
  #bytes = 0;
  #intact = true;

  get bytes(): number {
    return this.#bytes;
  }

  get intact(): boolean {
    return this.#intact;
  }

  add(piece: Uint8Array): void {
    let expected = this.#bytes % PERIOD;
    for (let i = 0; i < piece.length && this.#intact; i++) {
      this.#intact = piece[i] === expected;
      if (++expected === PERIOD) expected = 0;
    }
    this.#bytes += piece.length;
  }
}
