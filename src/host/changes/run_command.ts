/** Another program, run to its end. */

export interface CommandResult {
  /** 127 when there is no such program, as a shell has it. */
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export type RunCommand = (command: readonly string[], input?: string) => Promise<CommandResult>;

/** Longer than D-Bus waits for a service that does not answer (25 s). */
const PATIENCE_MS = 30_000;

export const runCommand: RunCommand = commandRunner(PATIENCE_MS);

/** Runs commands that may take so long; what takes longer is killed. */
export function commandRunner(patienceMs: number): RunCommand {
  return (command, input) => runWithin(patienceMs, command, input);
}

async function runWithin(
  patienceMs: number,
  [program, ...args]: readonly string[],
  input: string | undefined,
): Promise<CommandResult> {
  let child: Deno.ChildProcess;
  try {
    child = new Deno.Command(program!, {
      args,
      stdin: input === undefined ? "null" : "piped",
      stdout: "piped",
      stderr: "piped",
      // What it prints is matched.
      env: { LC_ALL: "C" },
    }).spawn();
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    return { code: 127, stdout: "", stderr: `there is no program "${program}"` };
  }
  const timer = setTimeout(() => child.kill("SIGKILL"), patienceMs);
  try {
    const [{ code, stdout, stderr }] = await Promise.all([child.output(), feed(child, input)]);
    return {
      code,
      stdout: new TextDecoder().decode(stdout),
      stderr: new TextDecoder().decode(stderr),
    };
  } finally {
    clearTimeout(timer);
  }
}

async function feed(child: Deno.ChildProcess, input: string | undefined): Promise<void> {
  if (input === undefined) return;
  const writer = child.stdin.getWriter();
  try {
    await writer.write(new TextEncoder().encode(input));
    await writer.close();
  } catch (error) {
    // It ended without reading all of it; its exit code says the rest.
    if (!(error instanceof Deno.errors.BrokenPipe)) throw error;
  }
}
