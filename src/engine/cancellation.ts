/** The wish that something under way should end. An `AbortController` for one listener, at a tenth of its price. */

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
