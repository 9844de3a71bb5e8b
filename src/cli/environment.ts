/**
 * The world around the command line, as one argument: streams, environment, files, signals, identity.
 * Commands use this and not `Deno.*`, so that a test hands in its own world.
 */

export type StreamName = "stdin" | "stdout" | "stderr";

export interface Environment {
  /** Writes to stdout: what was asked for. */
  out(text: string): void;
  /** Writes to stderr: everything else. Never throws: nothing could be said about it. */
  err(text: string): void;
  /** One variable; an empty one counts as not set. */
  env(name: string): string | undefined;
  isTerminal(stream: StreamName): boolean;
  /** The whole of a file; rejects with Deno's errors (`Deno.errors.NotFound` …). */
  readTextFile(path: string): Promise<string>;
  addSignalListener(signal: Deno.Signal, listener: () => void): void;
  removeSignalListener(signal: Deno.Signal, listener: () => void): void;
  cwd(): string;
  pid(): number;
  /** The effective user; null where the system has no such number. */
  uid(): number | null;
  /** How to run this very program again: append the arguments. */
  selfCommand(): string[];
  /** Unpredictable bytes. */
  randomBytes(length: number): Uint8Array<ArrayBuffer>;
}

/** The process that this program really runs in. */
export function realEnvironment(): Environment {
  return {
    out: (text) => writeAll(Deno.stdout, text),
    err: writeError,
    env: (name) => Deno.env.get(name) || undefined,
    isTerminal: (stream) => Deno[stream].isTerminal(),
    readTextFile: (path) => Deno.readTextFile(path),
    addSignalListener: (signal, listener) => Deno.addSignalListener(signal, listener),
    removeSignalListener: (signal, listener) => Deno.removeSignalListener(signal, listener),
    cwd: () => Deno.cwd(),
    pid: () => Deno.pid,
    uid: () => Deno.uid(),
    selfCommand,
    randomBytes: (length) => crypto.getRandomValues(new Uint8Array(length)),
  };
}

interface SyncWriter {
  writeSync(bytes: Uint8Array): number;
}

const encoder = new TextEncoder();

/** Writes all of it. A reader that has gone away (`ztun help | head -1`) is no failure of ours. */
export function writeAll(writer: SyncWriter, text: string): void {
  const bytes = encoder.encode(text);
  let at = 0;
  while (at < bytes.length) {
    try {
      at += writer.writeSync(bytes.subarray(at));
    } catch (error) {
      if (error instanceof Deno.errors.BrokenPipe) return;
      // A program that shares our terminal may have made it non-blocking: the reader will catch up.
      if (!(error instanceof Deno.errors.WouldBlock)) throw error;
    }
  }
}

function writeError(text: string): void {
  try {
    writeAll(Deno.stderr, text);
  } catch {
    // stderr is closed or full: there is no other place to say so.
  }
}

/**
 * A compiled program is itself the command. From source, Deno runs `main.ts` again: with the same
 * configuration whatever the working directory, and without the network (inside a namespace there is
 * none to fetch a package from).
 */
function selfCommand(): string[] {
  if (Deno.build.standalone) return [Deno.execPath()];
  const main = import.meta.resolve("../../main.ts");
  return [Deno.execPath(), "run", "-A", "--quiet", "--no-check", "--cached-only", main];
}
