/**
 * A table of the firewall. Its name says whose it is, so that nothing else is needed to take it away: what
 * is in it stays out of the journal.
 */

import { NftablesSocket } from "../../../ffi/nftables_linux.ts";
import type { ChangeKind } from "../change.ts";
import { compileTable } from "../firewall/compile.ts";
import type { Table } from "../firewall/rule.ts";
import { deletionCommand, replacementCommand } from "../firewall/text.ts";

export interface TableChange {
  readonly kind: "table";
  readonly name: string;
}

/** What goes into the tables, by their names; whoever only undoes needs none. */
export type TablePlans = ReadonlyMap<string, Table>;

export function tableKind(plans: TablePlans): ChangeKind<TableChange> {
  const planOf = ({ name }: TableChange): Table => {
    const plan = plans.get(name);
    if (plan === undefined) throw new TypeError(`Nobody has planned the table "${name}"`);
    return plan;
  };
  return {
    what: ({ name }) => `make the firewall table "${name}"`,
    command: (change) => replacementCommand(planOf(change)),
    undoCommand: ({ name }) => deletionCommand(name),
    apply: (change) => replaceTable(planOf(change)),
    state: ({ name }) =>
      withNftables((socket) => socket.tableNames().includes(name)) ? "present" : "absent",
    difference: () => "it has been altered since",
    undo: ({ name }) => withNftables((socket) => void socket.deleteTable(name)),
    outlivesBoot: () => false,
    kept: () => true,
  };
}

/** In place of one of the same name, at one moment. */
export function replaceTable(table: Table): void {
  withNftables((socket) => socket.replaceTables([compileTable(table)]));
}

/** A socket for the length of one function. */
export function withNftables<T>(body: (socket: NftablesSocket) => T): T {
  const socket = new NftablesSocket();
  try {
    return body(socket);
  } finally {
    socket.close();
  }
}
