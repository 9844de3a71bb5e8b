/** A policy rule. Each of ztun's has a priority of its own, by which it is told from everybody else's. */

import { Errno, SysError } from "../../../ffi/libc.ts";
import type { PolicyRule } from "../../../ffi/types.ts";
import { parsePrefix } from "../../addr/prefix.ts";
import type { ChangeKind } from "../change.ts";
import { ruleCommand } from "../route_text.ts";
import type { WithRoutes } from "./route_change.ts";

/** The rule with its network as text: what a journal keeps. */
export interface RuleChange extends Omit<PolicyRule, "from" | "to" | "more"> {
  readonly kind: "rule";
  readonly to?: string;
}

export function ruleKind(withRoutes: WithRoutes): ChangeKind<RuleChange> {
  return {
    what: ({ family, priority }) => `add the IPv${family} routing rule ${priority}`,
    command: (change) => ruleCommand("add", ruleOf(change)),
    undoCommand: (change) => ruleCommand("del", ruleOf(change)),
    apply: (change) => withRoutes((socket) => socket.addRule(ruleOf(change))),
    state: (change) =>
      withRoutes((socket) => socket.hasRule(ruleOf(change))) ? "present" : "absent",
    difference: () => "it has been altered since",
    undo: (change) =>
      withRoutes((socket) => {
        try {
          socket.deleteRule(ruleOf(change));
        } catch (error) {
          if (!(error instanceof SysError) || error.code !== Errno.ENOENT) throw error;
        }
      }),
    outlivesBoot: () => false,
    exclusive: true,
    kept: () => true,
  };
}

function ruleOf({ kind: _, to, ...rule }: RuleChange): PolicyRule {
  return to === undefined ? rule : { ...rule, to: parsePrefix(to)! };
}
