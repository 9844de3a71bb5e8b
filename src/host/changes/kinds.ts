/** The kinds of change that need nothing but files and programs. */

import type { ChangeKinds } from "../change.ts";
import type { Disk } from "../disk.ts";
import { commandKind } from "./command_change.ts";
import { directoryKind } from "./directory_change.ts";
import { fileKind } from "./file_change.ts";
import type { RunCommand } from "./run_command.ts";
import { sysctlKind, SYSCTLS } from "./sysctl_change.ts";

export interface KindsHost {
  readonly disk: Disk;
  readonly run: RunCommand;
  /** Where the kernel's settings are: /proc/sys. */
  readonly sysctls?: string;
}

export function basicKinds({ disk, run, sysctls = SYSCTLS }: KindsHost): ChangeKinds {
  return {
    file: fileKind(disk),
    directory: directoryKind(disk),
    sysctl: sysctlKind(disk, sysctls),
    command: commandKind(run),
  } as ChangeKinds;
}
