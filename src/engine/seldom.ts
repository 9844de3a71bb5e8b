/** Says yes at most once in so many milliseconds: for news that is worth no more. */
export class Seldom {
  readonly #interval: number;
  #last = -Infinity;

  constructor(interval: number) {
    this.#interval = interval;
  }

  isDue(now: number): boolean {
    if (now - this.#last < this.#interval) return false;
    this.#last = now;
    return true;
  }
}
