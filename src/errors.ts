/**
 * What a user is shown when something fails: one sentence, its causes, and a hint that works as pasted.
 *
 * Misuse throws the built-in classes. `UserError` is for what the user can mend; only `cli/` prints it.
 */

/** Exit codes of the command line; documented in `ztun help exit-codes`. */
export const Exit = {
  Ok: 0,
  Failed: 1,
  Usage: 2,
  NotRunning: 3,
  Permission: 4,
  /** The command of `exec` cannot be run, or is not there: the codes that shells use. */
  NotExecutable: 126,
  NotFound: 127,
  Interrupted: 130,
} as const;

export type ExitCode = (typeof Exit)[keyof typeof Exit];

export interface UserErrorOptions {
  /** A command, or a sentence with one, that works as pasted. */
  hint?: string;
  exitCode?: ExitCode;
  cause?: unknown;
}

/** An error that the user can act on. */
export class UserError extends Error {
  override readonly name = "UserError";
  readonly hint: string | undefined;
  readonly exitCode: ExitCode;

  constructor(message: string, options: UserErrorOptions = {}) {
    super(message, options.cause === undefined ? {} : { cause: options.cause });
    this.hint = options.hint;
    this.exitCode = options.exitCode ?? Exit.Failed;
  }
}
