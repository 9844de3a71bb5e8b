/**
 * The wish that something under way should end. As an `AbortController`, but for one listener, and without
 * what a web API has to check: every flow's dial has one.
 */

export class Cancellation {
  isCancelled = false;
  #listener: (() => void) | undefined;

  cancel(): void {
    if (this.isCancelled) return;
    this.isCancelled = true;
    this.#listener?.();
  }

  /** `listener` takes the place of the one before; it is called at most once. */
  listen(listener: (() => void) | undefined): void {
    this.#listener = listener;
  }
}
