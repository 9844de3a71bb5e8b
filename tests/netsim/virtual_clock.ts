/** Virtual time: a heap of things to do. Nothing waits; the clock jumps to whatever comes next. */

interface Happening {
  readonly at: number;
  readonly order: number;
  readonly run: () => void;
}

export class VirtualClock {
  now = 0;
  #order = 0;
  readonly #heap: Happening[] = [];

  get isEmpty(): boolean {
    return this.#heap.length === 0;
  }

  /** Runs `run` when the clock stands at `at`; what is due at one time runs in the order of asking. */
  at(at: number, run: () => void): void {
    const node = { at: Math.max(at, this.now), order: this.#order++, run };
    const heap = this.#heap;
    let index = heap.length;
    heap.push(node);
    while (index > 0) {
      const above = (index - 1) >> 1;
      if (!comesBefore(node, heap[above]!)) break;
      heap[index] = heap[above]!;
      index = above;
    }
    heap[index] = node;
  }

  after(delay: number, run: () => void): void {
    this.at(this.now + delay, run);
  }

  /** Runs the next thing; false when there is none. */
  step(): boolean {
    const heap = this.#heap;
    const top = heap[0];
    if (top === undefined) return false;
    const last = heap.pop()!;
    if (heap.length > 0) this.#sink(last);
    this.now = top.at;
    top.run();
    return true;
  }

  #sink(node: Happening): void {
    const heap = this.#heap;
    let index = 0;
    for (let below = 1; below < heap.length; below = 2 * index + 1) {
      if (below + 1 < heap.length && comesBefore(heap[below + 1]!, heap[below]!)) below++;
      if (!comesBefore(heap[below]!, node)) break;
      heap[index] = heap[below]!;
      index = below;
    }
    heap[index] = node;
  }
}

function comesBefore(a: Happening, b: Happening): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order);
}
