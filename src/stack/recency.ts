/** A list in order of last use, so that the one that has been idle longest is found at once. */

export interface RecencyNode {
  newer: RecencyNode | undefined;
  older: RecencyNode | undefined;
}

export class RecencyList<T extends RecencyNode> {
  #oldest: T | undefined = undefined;
  #newest: T | undefined = undefined;

  get oldest(): T | undefined {
    return this.#oldest;
  }

  add(node: T): void {
    node.newer = undefined;
    node.older = this.#newest;
    if (this.#newest !== undefined) this.#newest.newer = node;
    else this.#oldest = node;
    this.#newest = node;
  }

  /** Makes a listed node the most recent one. */
  touch(node: T): void {
    if (this.#newest === node) return;
    this.remove(node);
    this.add(node);
  }

  remove(node: T): void {
    const newer = node.newer as T | undefined;
    const older = node.older as T | undefined;
    if (newer !== undefined) newer.older = older;
    else this.#newest = older;
    if (older !== undefined) older.newer = newer;
    else this.#oldest = newer;
    node.newer = undefined;
    node.older = undefined;
  }
}
