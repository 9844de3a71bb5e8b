/** A directory that a file of ours needs; it goes when nobody else has put anything into it. */

import { type ChangeKind, quote } from "../change.ts";
import { type Disk, parentOf, syncDirectory } from "../disk.ts";

export interface DirectoryChange {
  readonly kind: "directory";
  readonly path: string;
}

/** The changes that make `path` and those above it; none when it is there. */
export function directoryChanges(disk: Disk, path: string): DirectoryChange[] {
  if (disk.look(path) !== undefined) return [];
  return [...directoryChanges(disk, parentOf(path)), { kind: "directory", path }];
}

export function directoryKind(disk: Disk): ChangeKind<DirectoryChange> {
  return {
    what: ({ path }) => `make the directory ${path}`,
    command: ({ path }) => `mkdir ${quote(path)}`,
    undoCommand: ({ path }) => `rmdir ${quote(path)}`,
    apply: ({ path }) => {
      disk.makeDirectory(path, 0o755);
      syncDirectory(disk, parentOf(path));
    },
    state: ({ path }) => {
      if (disk.look(path)?.type !== "directory") return "absent";
      return disk.list(path).length === 0 ? "present" : "altered";
    },
    difference: ({ path }) => `somebody has put ${disk.list(path).join(", ")} there since`,
    undo: ({ path }) => {
      disk.remove(path);
      syncDirectory(disk, parentOf(path));
    },
    outlivesBoot: () => true,
  };
}
