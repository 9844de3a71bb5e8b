/**
 * A change to the host as data: what a journal can keep, and another process can undo.
 *
 * What a kind of change means (how it is made, recognised and undone) is in a table by its name. A
 * change says all that is needed to undo it: whoever undoes it knows nothing else.
 */

import { Errno, SysError } from "../../ffi/libc.ts";
import { Exit, UserError } from "../errors.ts";

/** Plain JSON; `kind` names the entry in the table that understands the rest. */
export interface Change {
  readonly kind: string;
}

/** Not there; there as we made it; or there, but somebody has altered it since. */
export type ChangeState = "absent" | "present" | "altered";

type Maybe<T> = T | Promise<T>;

export interface ChangeKind<C extends Change = Change> {
  /** Completes "Cannot …". */
  what(change: C): string;
  /** The shell command that does the same; empty where there is none, or nothing to do. */
  command(change: C): string;
  undoCommand(change: C): string;
  /** Instead of `command`, where it takes many. */
  commands?(change: C): readonly string[];
  apply(change: C): Maybe<void>;
  state(change: C): Maybe<ChangeState>;
  /** What `state` found "altered", as half a sentence: `it is "2" now`. */
  difference(change: C): Maybe<string>;
  /** Called for what is "present" only. */
  undo(change: C): Maybe<void>;
  /** Whether it is still there after a reboot: a file is, a route is not. */
  outlivesBoot(change: C): boolean;
  /** Removes what a crash in the middle of `apply` or `undo` may have left beside it. */
  tidy?(change: C): void;
  /**
   * For kinds of which one that somebody else made cannot be told from ours (a rule, a route): when it is
   * there already the change is refused, for undoing it would take away theirs.
   */
  readonly exclusive?: boolean;
  /**
   * Made again when it has vanished while the tunnel runs: other programs flush what they do not know. What
   * somebody may have good reasons to change (a file, a setting) is left to them.
   */
  kept?(change: C): boolean;
  /** Likewise, for what may vanish in part; true when something had. */
  mend?(change: C): Maybe<boolean>;
}

/** Methods, and so kinds of any change fit. */
export type ChangeKinds = Readonly<Record<string, ChangeKind>>;

/** The kind of a change that the program itself made: it must be there. */
export function kindOf(kinds: ChangeKinds, change: Change): ChangeKind {
  if (Object.hasOwn(kinds, change.kind)) return kinds[change.kind]!;
  throw new TypeError(`Cannot handle a change of kind "${change.kind}": it is unknown`);
}

/** A step that failed, named, with what may help; `command` would have done the same. */
export function stepFailure(what: string, command: string, cause: unknown): UserError {
  const hint = hintFor(command, cause);
  const exitCode = isDenied(cause) ? Exit.Permission : Exit.Failed;
  return new UserError(`Cannot ${what}`, { cause, hint, exitCode });
}

function hintFor(command: string, cause: unknown): string {
  if (isDenied(cause)) return "Run the same command as root, with `sudo` in front";
  if (cause instanceof UserError && cause.hint !== undefined) return cause.hint;
  if (command === "") return "`sudo ztun cleanup` tries again";
  return `See what \`sudo sh -c ${quote(command)}\` says`;
}

function isDenied(cause: unknown): boolean {
  if (cause instanceof SysError) return cause.code === Errno.EPERM || cause.code === Errno.EACCES;
  return cause instanceof Deno.errors.PermissionDenied;
}

/** The shell command that prints `text`, on one line. */
export function printing(text: string): string {
  if (!text.endsWith("\n")) return `printf %s ${quote(text)}`;
  return `printf '%s\\n' ${text.slice(0, -1).split("\n").map(quote).join(" ")}`;
}

/** A word as a shell reads it back. */
export function quote(word: string): string {
  return /^[\w@%+=:,./~-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}
