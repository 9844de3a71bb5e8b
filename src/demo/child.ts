/**
 * Another process of this program, which says things on stdout, one JSON text per line, and ends when
 * its stdin does: also when this process is killed.
 */

export interface ChildOptions {
  readonly name: string;
  readonly command: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** Passes on what it writes to stderr, instead of keeping it. */
  readonly verbose: boolean;
}

/** Kept of what a child writes to stderr: its end is where the reason stands. */
const KEPT = 16_384;

/** A child that ended when it should have gone on. */
export class ChildEnded extends Error {
  override readonly name = "ChildEnded";
  readonly code: number;
  /** What it said on stderr. */
  readonly said: string;

  constructor(child: string, code: number, said: string) {
    super(`The demo's ${child} ended with exit code ${code}`);
    this.code = code;
    this.said = said;
  }
}

export class Child<Message> {
  readonly pid: number;
  readonly #name: string;
  readonly #process: Deno.ChildProcess;
  readonly #status: Promise<Deno.CommandStatus>;
  readonly #lines: AsyncIterator<string>;
  readonly #stderr: Promise<string>;
  #ended = false;

  constructor({ name, command, env, verbose }: ChildOptions) {
    const [program = "", ...args] = command;
    this.#process = new Deno.Command(program, {
      args,
      env,
      stdin: "piped",
      stdout: "piped",
      stderr: verbose ? "inherit" : "piped",
    }).spawn();
    this.pid = this.#process.pid;
    this.#name = name;
    this.#status = this.#process.status.finally(() => this.#ended = true);
    this.#lines = lines(this.#process.stdout);
    this.#stderr = verbose ? Promise.resolve("") : lastOf(this.#process.stderr);
  }

  /** The next thing that it says. Throws `ChildEnded` when there is none. */
  async next(): Promise<Message> {
    const { done, value } = await this.#lines.next();
    if (!done) return JSON.parse(value) as Message;
    const { code } = await this.#status;
    throw new ChildEnded(this.#name, code, await this.#stderr);
  }

  /** Tells it to end; it may have something left to say. */
  async endInput(): Promise<void> {
    try {
      await this.#process.stdin.close();
    } catch {
      // Closed before, or ended by itself: either way it reads no more.
    }
  }

  /** Ends it in order; gives what it said on stderr. Throws `ChildEnded` when it fails at that. */
  async close(): Promise<string> {
    await this.endInput();
    const { code } = await this.#status;
    const said = await this.#stderr;
    if (code !== 0) throw new ChildEnded(this.#name, code, said);
    return said;
  }

  /** Ends it now, whatever it is doing. */
  async kill(): Promise<void> {
    if (!this.#ended) {
      try {
        this.#process.kill("SIGTERM");
      } catch (error) {
        // It ended, and the news is still on its way.
        if (!(error instanceof Deno.errors.NotFound || error instanceof TypeError)) throw error;
      }
    }
    await this.endInput();
    await this.#status;
    await this.#lines.return?.();
    await this.#stderr;
  }
}

async function* lines(stream: ReadableStream<Uint8Array<ArrayBuffer>>): AsyncGenerator<string> {
  let rest = "";
  for await (const piece of stream.pipeThrough(new TextDecoderStream())) {
    const whole = (rest + piece).split("\n");
    rest = whole.pop() ?? "";
    yield* whole;
  }
}

async function lastOf(stream: ReadableStream<Uint8Array<ArrayBuffer>>): Promise<string> {
  let text = "";
  for await (const piece of stream.pipeThrough(new TextDecoderStream())) {
    text = (text + piece).slice(-KEPT);
  }
  return text;
}
