/**
 * Deadlines of many objects, the earliest on top: a binary heap that knows where each object stands.
 *
 * A retransmission timer moves later with every acknowledgement. So the heap keeps the time it was told
 * first, and only looks again when that time comes: moving later costs nothing, moving earlier sifts.
 */

export interface Timed {
  /** When the object wants to be called; Infinity when never. */
  deadline: number;
  /** What the heap believes, and where it keeps the object; -1 when it does not. */
  heapTime: number;
  heapIndex: number;
}

export class TimerHeap<T extends Timed> {
  readonly #nodes: T[] = [];

  get size(): number {
    return this.#nodes.length;
  }

  /** A time before which nothing is due. May be too early, never too late. */
  get next(): number {
    return this.#nodes.length === 0 ? Infinity : this.#nodes[0]!.heapTime;
  }

  /** Tells the heap that `node.deadline` has changed. */
  update(node: T): void {
    if (node.heapIndex < 0) {
      if (node.deadline === Infinity) return;
      node.heapTime = node.deadline;
      node.heapIndex = this.#nodes.length;
      this.#nodes.push(node);
      this.#up(node.heapIndex);
    } else if (node.deadline < node.heapTime) {
      node.heapTime = node.deadline;
      this.#up(node.heapIndex);
    }
  }

  remove(node: T): void {
    const index = node.heapIndex;
    if (index < 0) return;
    node.heapIndex = -1;
    const last = this.#nodes.pop()!;
    if (last === node) return;
    this.#place(last, index);
    this.#up(index);
    this.#down(last.heapIndex);
  }

  /** Takes one object whose deadline has passed, or undefined. */
  takeDue(now: number): T | undefined {
    while (this.#nodes.length > 0) {
      const top = this.#nodes[0]!;
      if (top.heapTime > now) return undefined;
      if (top.deadline <= now) {
        this.remove(top);
        return top;
      }
      if (top.deadline === Infinity) this.remove(top);
      else {
        top.heapTime = top.deadline;
        this.#down(0);
      }
    }
    return undefined;
  }

  #place(node: T, index: number): void {
    this.#nodes[index] = node;
    node.heapIndex = index;
  }

  #up(index: number): void {
    const node = this.#nodes[index]!;
    while (index > 0) {
      const above = (index - 1) >> 1;
      const parent = this.#nodes[above]!;
      if (parent.heapTime <= node.heapTime) break;
      this.#place(parent, index);
      index = above;
    }
    this.#place(node, index);
  }

  #down(index: number): void {
    const node = this.#nodes[index]!;
    const count = this.#nodes.length;
    while (true) {
      let below = 2 * index + 1;
      if (below >= count) break;
      if (below + 1 < count && this.#nodes[below + 1]!.heapTime < this.#nodes[below]!.heapTime) {
        below++;
      }
      const child = this.#nodes[below]!;
      if (child.heapTime >= node.heapTime) break;
      this.#place(child, index);
      index = below;
    }
    this.#place(node, index);
  }
}
