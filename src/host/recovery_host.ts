/** The host that recovery works on. A test hands in one of its own. */

import { hostKinds } from "./all_kinds.ts";
import { realDisk } from "./disk.ts";
import { firewallTables } from "./firewall_tables.ts";
import { journalDirectories } from "./journal.ts";
import { realMachine } from "./machine.ts";
import type { RecoverOptions } from "./recover.ts";

export interface RecoveryHost extends Omit<RecoverOptions, "log"> {
  /** Names of the firewall's tables, where they can be seen. */
  tables(): string[];
}

/** Whose journals are meant. */
export interface RecoveryUser {
  env(name: string): string | undefined;
  uid(): number | null;
}

export function realRecoveryHost(user: RecoveryUser): RecoveryHost {
  return {
    disk: realDisk,
    machine: realMachine,
    directories: journalDirectories(user.uid(), user.env("XDG_RUNTIME_DIR")),
    kinds: hostKinds(),
    tables: firewallTables,
  };
}
