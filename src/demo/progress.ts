/** One line on a terminal that says what goes on, and is gone when something else is printed. */

/** What is over sooner needs no line. */
const DELAY = 300;

export class ProgressLine {
  readonly #write: (text: string) => void;
  readonly #startedAt: number;
  readonly #now: () => number;
  #width = 0;

  constructor(write: (text: string) => void, now: () => number = () => performance.now()) {
    this.#write = write;
    this.#now = now;
    this.#startedAt = now();
  }

  show(text: string): void {
    if (this.#now() - this.#startedAt < DELAY) return;
    const line = `${text} ...`;
    // Spaces over the longer line before: no escape sequence is needed for that.
    this.#write(`\r${line.padEnd(this.#width)}`);
    this.#width = line.length;
  }

  clear(): void {
    if (this.#width > 0) this.#write(`\r${" ".repeat(this.#width)}\r`);
    this.#width = 0;
  }
}
