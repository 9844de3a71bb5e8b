/**
 * What keeps a proxy of this host out of the tunnel, as changes of a journal. They are made by whoever
 * exempts it, who writes each down before (`Transaction.record`); here they are only undone.
 */

import type { ChangeKind, ChangeKinds } from "../change.ts";
import { type ExemptionChange, undoChange } from "../owner/changes.ts";

const WHAT: Readonly<Record<ExemptionChange["kind"], string>> = {
  "cgroup": "make a cgroup for the proxy",
  "cgroup-mark": "mark what is sent from the proxy's cgroup",
  "cgroup-move": "move the proxy to its cgroup",
  "socket-marks": "mark the proxy's sockets",
};

export function exemptionKinds(): ChangeKinds {
  const kinds = Object.entries(WHAT).map(([name, what]) => [name, exemptionKind(what)]);
  return Object.fromEntries(kinds) as ChangeKinds;
}

function exemptionKind(what: string): ChangeKind<ExemptionChange> {
  return {
    what: () => what,
    // No program does it: it is a call for each socket and process.
    command: () => "",
    undoCommand: () => "",
    apply() {},
    // Undoing leaves alone what went away by itself.
    state: () => "present",
    difference: () => "",
    undo: undoChange,
    outlivesBoot: () => false,
  };
}
