/** What was asked of another thread and is not answered yet. Answers come in the order of the questions. */
export class Questions<T> {
  readonly #asked: PromiseWithResolvers<T>[] = [];

  ask(): Promise<T> {
    const asked = Promise.withResolvers<T>();
    this.#asked.push(asked);
    return asked.promise;
  }

  answer(answer: T): void {
    this.#asked.shift()?.resolve(answer);
  }

  /** Nobody will answer any more: everybody hears this. */
  answerAll(answer: T): void {
    for (const asked of this.#asked.splice(0)) asked.resolve(answer);
  }

  failAll(reason: Error): void {
    for (const asked of this.#asked.splice(0)) asked.reject(reason);
  }
}
