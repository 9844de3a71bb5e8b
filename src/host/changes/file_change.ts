/**
 * A file of the host with other content. It knows what was there before, byte for byte, a symbolic link
 * among that, and puts it back; a file that has been written by somebody else since is left to them.
 */

import { type ChangeKind, printing, quote } from "../change.ts";
import { type Disk, parentOf, syncDirectory } from "../disk.ts";
import { equal, isHalfOverwritten, putFile, putLink, temporaryOf } from "./put_file.ts";

export type FileBefore =
  | { readonly type: "absent" }
  | { readonly type: "link"; readonly target: string }
  | {
    readonly type: "file";
    /** In base64: it may be anything. */
    readonly content: string;
    readonly mode: number;
    readonly uid: number;
    readonly gid: number;
  };

export interface FileChange {
  readonly kind: "file";
  readonly path: string;
  readonly before: FileBefore;
  readonly content: string;
}

/** The change that gives `path` this content; what is there now is what its undo puts back. */
export function fileChange(disk: Disk, path: string, content: string): FileChange {
  return { kind: "file", path, before: readBefore(disk, path), content };
}

export function readBefore(disk: Disk, path: string): FileBefore {
  const facts = disk.look(path);
  if (facts === undefined) return { type: "absent" };
  if (facts.type === "link") return { type: "link", target: disk.readLink(path) };
  if (facts.type !== "file") throw new TypeError(`Cannot write "${path}": it is no file`);
  const { mode, uid, gid } = facts;
  return { type: "file", content: disk.read(path).toBase64(), mode, uid, gid };
}

const NEW_FILE = { mode: 0o644, uid: undefined, gid: undefined };

export function fileKind(disk: Disk): ChangeKind<FileChange> {
  return {
    what: ({ path }) => `write ${path}`,
    command: ({ path, before, content }) => {
      const write = writeCommand(path, new TextEncoder().encode(content));
      return before.type === "link" ? `rm ${quote(path)} && ${write}` : write;
    },
    undoCommand: ({ path, before }) => {
      if (before.type === "absent") return `rm ${quote(path)}`;
      if (before.type === "link") return `ln -sfn ${quote(before.target)} ${quote(path)}`;
      return writeCommand(path, Uint8Array.fromBase64(before.content));
    },
    apply: ({ path, before, content }) => {
      const owner = before.type === "file" ? before : NEW_FILE;
      putFile(disk, path, new TextEncoder().encode(content), owner);
    },
    state: (change) => stateOf(disk, change),
    difference: (change) => differenceOf(disk, change),
    undo: ({ path, before }) => putBack(disk, path, before),
    outlivesBoot: () => true,
    tidy: ({ path }) => {
      if (disk.look(temporaryOf(path)) !== undefined) disk.remove(temporaryOf(path));
    },
  };
}

function putBack(disk: Disk, path: string, before: FileBefore): void {
  switch (before.type) {
    case "absent":
      disk.remove(path);
      return syncDirectory(disk, parentOf(path));
    case "link":
      return putLink(disk, path, before.target);
    case "file":
      return putFile(disk, path, Uint8Array.fromBase64(before.content), before);
  }
}

function stateOf(disk: Disk, change: FileChange): "absent" | "present" | "altered" {
  const now = readNow(disk, change.path);
  if (isAsBefore(now, change.before)) return "absent";
  if (now.type !== "file") return "altered";
  return isOurs(now.bytes, change) ? "present" : "altered";
}

type Now =
  | { type: "absent" }
  | { type: "other" }
  | { type: "link"; target: string }
  | { type: "file"; bytes: Uint8Array };

function readNow(disk: Disk, path: string): Now {
  const type = disk.look(path)?.type ?? "absent";
  if (type === "link") return { type, target: disk.readLink(path) };
  if (type === "file") return { type, bytes: disk.read(path) };
  return type === "absent" ? { type } : { type: "other" };
}

function isAsBefore(now: Now, before: FileBefore): boolean {
  if (now.type === "link") return before.type === "link" && now.target === before.target;
  if (now.type !== "file") return now.type === before.type;
  return before.type === "file" && equal(now.bytes, Uint8Array.fromBase64(before.content));
}

/** Our content, or what a crash has left of making or undoing the change in place. */
function isOurs(now: Uint8Array, { before, content }: FileChange): boolean {
  const ours = new TextEncoder().encode(content);
  if (equal(now, ours)) return true;
  if (before.type !== "file") return false;
  const theirs = Uint8Array.fromBase64(before.content);
  return isHalfOverwritten(now, ours, theirs) || isHalfOverwritten(now, theirs, ours);
}

function differenceOf(disk: Disk, { path, content }: FileChange): string {
  const now = readNow(disk, path);
  if (now.type === "absent") return "somebody has removed the file since";
  if (now.type === "link") return `somebody has made it a link to ${now.target} since`;
  if (now.type === "other") return "somebody has put something else than a file there since";
  const [ours, theirs] = [content, new TextDecoder().decode(now.bytes)].map((t) => t.split("\n"));
  const at = theirs!.findIndex((line, index) => line !== ours![index]);
  const line = at === -1 ? "it is shorter" : `line ${at + 1} is ${JSON.stringify(theirs![at])}`;
  return `somebody has written the file since, ${line}`;
}

function writeCommand(path: string, bytes: Uint8Array): string {
  return `${printing(new TextDecoder().decode(bytes))} >${quote(path)}`;
}
