/** Programs that the end-to-end tests run: short ones to their end, servers until they are disposed. */

import { eventually } from "./eventually.ts";

export interface Finished {
  code: number;
  signal: Deno.Signal | null;
  stdout: string;
  stderr: string;
}

export interface RunOptions {
  /** Longer than this, and it is killed with all its children; 120 seconds by default. */
  withinSeconds?: number;
  /** What the program reads on its standard input. */
  input?: string | Uint8Array<ArrayBuffer>;
  env?: Record<string, string>;
  cwd?: string;
}

/** Runs a command to its end. */
export async function run(command: readonly string[], options: RunOptions = {}): Promise<Finished> {
  const { stdout, ...rest } = await runBinary(command, options);
  return { ...rest, stdout: new TextDecoder().decode(stdout) };
}

/** As `run`, for output that is not text. */
export async function runBinary(
  command: readonly string[],
  options: RunOptions = {},
): Promise<Omit<Finished, "stdout"> & { stdout: Uint8Array }> {
  const { input, withinSeconds = 120, ...rest } = options;
  const child = new Deno.Command("timeout", {
    ...rest,
    args: ["-s", "KILL", String(withinSeconds), ...command],
    stdin: input === undefined ? "null" : "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const [output] = await Promise.all([child.output(), feed(child, input)]);
  const { code, signal, stdout } = output;
  return { code, signal, stdout, stderr: new TextDecoder().decode(output.stderr) };
}

async function feed(child: Deno.ChildProcess, input: RunOptions["input"]): Promise<void> {
  if (input === undefined) return;
  const bytes = typeof input === "string" ? new TextEncoder().encode(input) : input;
  const writer = child.stdin.getWriter();
  try {
    await writer.write(bytes);
    await writer.close();
  } catch (error) {
    // The program ended without reading all of its input; its status tells the rest.
    if (!(error instanceof Deno.errors.BrokenPipe)) throw error;
  }
}

/** Runs a command that must succeed, and gives its output. */
export async function must(command: readonly string[], options: RunOptions = {}): Promise<string> {
  const { code, signal, stdout, stderr } = await run(command, options);
  if (code === 0) return stdout;
  throw new Error(`\`${command.join(" ")}\` ended with ${signal ?? code}\n${stdout}${stderr}`);
}

export interface StartOptions extends Pick<RunOptions, "env" | "cwd"> {
  stdin?: "null" | "piped";
}

/** A program that runs until it is stopped; what it prints is kept for the report of a failure. */
export class Running implements AsyncDisposable {
  readonly name: string;
  readonly pid: number;
  readonly ended: Promise<Deno.CommandStatus>;
  readonly #child: Deno.ChildProcess;
  readonly #readers: Promise<void>[];
  #log = "";
  #status: Deno.CommandStatus | undefined;
  #logComplete = false;

  constructor(name: string, command: readonly string[], options: StartOptions = {}) {
    this.name = name;
    // A group of its own, because some servers fork; `setsid` replaces itself, so the pid is right.
    this.#child = new Deno.Command("setsid", {
      stdin: "null",
      ...options,
      args: [...command],
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    this.pid = this.#child.pid;
    this.#readers = [this.#child.stdout, this.#child.stderr].map((stream) => this.#keep(stream));
    this.ended = this.#child.status.then(async (status) => {
      this.#status = status;
      await Promise.all(this.#readers);
      this.#logComplete = true;
      return status;
    });
  }

  get log(): string {
    return this.#log;
  }

  get alive(): boolean {
    return this.#status === undefined;
  }

  async #keep(stream: ReadableStream<Uint8Array>): Promise<void> {
    const decoder = new TextDecoder();
    for await (const chunk of stream) this.#log += decoder.decode(chunk, { stream: true });
  }

  /** Waits for a line of the log; a program that ends before is reported at once. */
  async logged(pattern: RegExp, withinMs = 20_000): Promise<RegExpMatchArray> {
    const match = await eventually(`${this.name} to print ${pattern}`, () => {
      return this.#log.match(pattern) ?? (this.#logComplete ? "ended" : undefined);
    }, withinMs);
    if (match === "ended") throw new Error(`${this.name} ended early: ${this.#log}`);
    return match;
  }

  /** Writes to the program's standard input, which must have been asked for as "piped". */
  async write(text: string): Promise<void> {
    const writer = this.#child.stdin.getWriter();
    await writer.write(new TextEncoder().encode(text));
    writer.releaseLock();
  }

  async closeInput(): Promise<void> {
    await this.#child.stdin.close();
  }

  signal(signal: Deno.Signal): void {
    if (this.alive) this.#child.kill(signal);
  }

  /** Open descriptors of the process. */
  descriptors(): string[] {
    const found: string[] = [];
    for (const { name } of Deno.readDirSync(`/proc/${this.pid}/fd`)) {
      const target = linkOrUndefined(`/proc/${this.pid}/fd/${name}`);
      if (target !== undefined) found.push(target);
    }
    return found;
  }

  /** Resident memory in bytes. */
  residentBytes(): number {
    const status = Deno.readTextFileSync(`/proc/${this.pid}/status`);
    return Number(status.match(/^VmRSS:\s+(\d+) kB/m)![1]) * 1024;
  }

  /** Kills the process and everything that it forked. */
  async kill(): Promise<void> {
    try {
      Deno.kill(-this.pid, "SIGKILL");
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
    await this.ended;
  }

  /** Asks the process to end, and makes it after `graceMs`. */
  async stop(signal: Deno.Signal = "SIGTERM", graceMs = 5_000): Promise<Deno.CommandStatus> {
    this.signal(signal);
    const timer = setTimeout(() => this.signal("SIGKILL"), graceMs);
    const status = await this.ended;
    clearTimeout(timer);
    return status;
  }

  /** Asks the process to end, and makes it; what it forked may still have its output. */
  async end(): Promise<void> {
    this.signal("SIGTERM");
    const timer = setTimeout(() => this.signal("SIGKILL"), 5_000);
    await this.#child.status;
    clearTimeout(timer);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.end();
    await this.kill();
  }
}

/** A descriptor may be closed between listing and looking. */
function linkOrUndefined(path: string): string | undefined {
  try {
    return Deno.readLinkSync(path);
  } catch {
    return undefined;
  }
}
