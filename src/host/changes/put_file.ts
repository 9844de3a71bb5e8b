/**
 * A file put in the place of another, so that a reader sees the one or the other and a loss of power
 * leaves the one or the other: a temporary file beside it, renamed.
 *
 * Where that cannot be, since the path is a mount of its own (the resolv.conf of a container, or of
 * `ip netns exec`), the file is overwritten where it is.
 */

import { type Disk, parentOf, syncDirectory } from "../disk.ts";

export interface FileOwner {
  readonly mode: number;
  /** Undefined: whoever writes it. */
  readonly uid: number | undefined;
  readonly gid: number | undefined;
}

/** Where the new file is written first. Its name is known, so that what a crash left can be removed. */
export function temporaryOf(path: string): string {
  return `${path}.ztun-new`;
}

/** Puts `bytes` at `path`, whatever was there, a link too: not at what the link points to. */
export function putFile(disk: Disk, path: string, bytes: Uint8Array, owner: FileOwner): void {
  const temporary = temporaryOf(path);
  try {
    writeAll(disk, temporary, bytes, { write: true, create: true, truncate: true, mode: 0o600 });
    setOwner(disk, temporary, owner);
    disk.rename(temporary, path);
    syncDirectory(disk, parentOf(path));
  } catch (error) {
    if (disk.look(temporary) !== undefined) disk.remove(temporary);
    if (!isNotReplaceable(error) || disk.look(path)?.type !== "file") throw error;
    overwrite(disk, path, bytes);
  }
}

/** Puts a symbolic link at `path`, whatever was there. */
export function putLink(disk: Disk, path: string, target: string): void {
  const temporary = temporaryOf(path);
  if (disk.look(temporary) !== undefined) disk.remove(temporary);
  disk.makeLink(target, temporary);
  disk.rename(temporary, path);
  syncDirectory(disk, parentOf(path));
}

/** In place: the same file with other content. First written, then cut to length. */
function overwrite(disk: Disk, path: string, bytes: Uint8Array): void {
  writeAll(disk, path, bytes, { write: true });
}

/** Whether `now` is what a crash leaves of overwriting `before`: a part of `written`, the rest as it was. */
export function isHalfOverwritten(
  now: Uint8Array,
  written: Uint8Array,
  before: Uint8Array,
): boolean {
  const differs = now.findIndex((byte, index) => byte !== written[index]);
  const at = differs === -1 ? now.length : differs;
  return equal(now.subarray(at), before.subarray(at));
}

export function equal(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, index) => byte === b[index]);
}

function writeAll(disk: Disk, path: string, bytes: Uint8Array, options: Deno.OpenOptions): void {
  const file = disk.open(path, options);
  try {
    disk.write(file, bytes);
    disk.truncate(file, bytes.length);
    disk.sync(file);
  } finally {
    file.close();
  }
}

/** Whoever may write the file may not always give files away. */
function setOwner(disk: Disk, path: string, { mode, uid, gid }: FileOwner): void {
  const facts = disk.look(path)!;
  const differs = uid !== undefined && gid !== undefined &&
    (facts.uid !== uid || facts.gid !== gid);
  if (differs) disk.setOwner(path, uid, gid);
  disk.setMode(path, mode);
}

/** The path is a mount (EBUSY), or its directory cannot be written though the file may be. */
function isNotReplaceable(error: unknown): boolean {
  const code = (error as { code?: unknown }).code;
  return ["EBUSY", "EROFS", "EACCES", "EPERM"].includes(String(code));
}
