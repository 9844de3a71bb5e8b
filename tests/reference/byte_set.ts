/** Which bytes have been seen, one by one: the twin of everything that keeps ranges. */

export class ByteSet {
  readonly #seen = new Set<number>();

  add(from: number, to: number): void {
    for (let i = from; i < to; i++) this.#seen.add(i);
  }

  /** Forgets everything below `bound`. */
  dropBelow(bound: number): void {
    for (const i of this.#seen) if (i < bound) this.#seen.delete(i);
  }

  has(i: number): boolean {
    return this.#seen.has(i);
  }

  get size(): number {
    return this.#seen.size;
  }

  get highest(): number {
    return Math.max(-1, ...this.#seen);
  }

  /** Maximal runs, ascending, as pairs of edges. */
  ranges(): [number, number][] {
    const result: [number, number][] = [];
    for (const i of [...this.#seen].sort((a, b) => a - b)) {
      const last = result.at(-1);
      if (last !== undefined && last[1] === i) last[1] = i + 1;
      else result.push([i, i + 1]);
    }
    return result;
  }
}
