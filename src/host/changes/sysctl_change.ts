/** A setting of the kernel, below /proc/sys. */

import type { ChangeKind, ChangeState } from "../change.ts";
import type { Disk } from "../disk.ts";

export interface SysctlChange {
  readonly kind: "sysctl";
  /** Below /proc/sys, with slashes: device names have dots in them. */
  readonly path: string;
  readonly before: string;
  readonly value: string;
}

export const SYSCTLS = "/proc/sys";

/** The change that gives the setting this value; undefined when it has it already. */
export function sysctlChange(
  disk: Disk,
  path: string,
  value: string,
  root = SYSCTLS,
): SysctlChange | undefined {
  const before = readValue(disk, `${root}/${path}`);
  if (before === value) return undefined;
  return { kind: "sysctl", path, before, value };
}

export function sysctlKind(disk: Disk, root = SYSCTLS): ChangeKind<SysctlChange> {
  const write = (path: string, value: string) => {
    const file = disk.open(`${root}/${path}`, { write: true });
    try {
      // In one piece: the kernel takes each write for a whole value.
      disk.write(file, new TextEncoder().encode(`${value}\n`));
    } finally {
      file.close();
    }
  };
  return {
    what: ({ path, value }) => `set ${path} to ${value}`,
    command: ({ path, value }) => `sysctl --write ${path}='${value}'`,
    undoCommand: ({ path, before }) => `sysctl --write ${path}='${before}'`,
    apply: ({ path, value }) => write(path, value),
    state: ({ path, before, value }): ChangeState => {
      const now = readIfThere(disk, `${root}/${path}`);
      // Gone with the device that it belonged to.
      if (now === undefined || now === before) return "absent";
      return now === value ? "present" : "altered";
    },
    difference: ({ path }) => `it is "${readIfThere(disk, `${root}/${path}`)}" now`,
    undo: ({ path, before }) => write(path, before),
    outlivesBoot: () => false,
  };
}

function readIfThere(disk: Disk, path: string): string | undefined {
  return disk.look(path) === undefined ? undefined : readValue(disk, path);
}

/** Values of several numbers are separated by tabs, and may be written with spaces. */
function readValue(disk: Disk, path: string): string {
  return new TextDecoder().decode(disk.read(path)).trim().replaceAll(/\s+/g, " ");
}
