/**
 * A process that outlives this one, to undo what it has changed should it die without a word (SIGKILL, out
 * of memory). It waits at the end of a pipe that nobody else holds: the kernel closes it, whatever happens.
 *
 * In a session of its own, where no terminal's signals come.
 */

/** Says "over" when there is nothing to undo any more. */
const WAIT = 'trap "" HUP INT TERM; read -r word; [ "$word" = over ] || exec "$@"';

export class Guardian {
  readonly #process: Deno.ChildProcess;
  readonly #writer: WritableStreamDefaultWriter<Uint8Array<ArrayBuffer>>;

  /** `command` is run when this process dies. */
  constructor(command: readonly string[]) {
    this.#process = new Deno.Command("sh", {
      args: ["-c", WAIT, "sh", ...command],
      detached: true,
      stdin: "piped",
      stdout: "null",
      stderr: "null",
      env: { DENO_NO_UPDATE_CHECK: "1" },
    }).spawn();
    this.#process.unref();
    this.#writer = this.#process.stdin.getWriter();
  }

  get pid(): number {
    return this.#process.pid;
  }

  /** Sends it home. */
  async release(): Promise<void> {
    try {
      await this.#writer.write(new TextEncoder().encode("over\n"));
      await this.#writer.close();
    } catch {
      // Somebody has ended it before.
    }
    await this.#process.status;
  }
}
