/** Who sends, and where it comes in: as matches, of which one must hold. */

import type { Cgroup } from "./cgroup.ts";
import { type Field, isPattern } from "./field.ts";
import { is, isNot, type Match, noneOf, oneOf } from "./rule.ts";

/** Programs, by the user that opened their sockets or the control group that it was done in. */
export interface Senders {
  readonly users: readonly UserRange[];
  readonly cgroups: readonly Cgroup[];
}

/** Both ends included. */
export interface UserRange {
  readonly from: number;
  readonly to: number;
}

/** Interfaces that other machines and containers send by. */
export interface ForwardedInterfaces {
  /** Their packets are routed outside the tunnel. */
  readonly outside: readonly string[];
  /** Theirs alone go into it; undefined for all others'. */
  readonly inside: readonly string[] | undefined;
}

export const NOBODY: Senders = { users: [], cgroups: [] };

export function senderMatches({ users, cgroups }: Senders): Match[] {
  return [
    ...users.map(({ from, to }): Match =>
      from === to ? is("meta skuid", from) : { kind: "between", field: "meta skuid", from, to }
    ),
    ...cgroups.map((cgroup): Match => ({ kind: "cgroup", cgroup })),
  ];
}

/** Names of interfaces; one that ends in "*" stands for all that begin so. One of these must hold. */
export function interfaceMatches(
  field: Extract<Field, "iifname" | "oifname">,
  names: readonly string[],
): Match[] {
  const [whole, patterns] = split(names);
  return [
    ...whole.length > 0 ? [oneOf(field, whole)] : [],
    ...patterns.map((pattern) => is(field, pattern)),
  ];
}

/** None of the interfaces: all of these must hold. */
export function otherInterfaces(
  field: Extract<Field, "iifname" | "oifname">,
  names: readonly string[],
): Match[] {
  const [whole, patterns] = split(names);
  return [
    ...whole.length > 0 ? [noneOf(field, whole)] : [],
    ...patterns.map((pattern) => isNot(field, pattern)),
  ];
}

/** Only a name as a whole can be in a set. */
function split(names: readonly string[]): [whole: string[], patterns: string[]] {
  return [names.filter((name) => !isPattern(name)), names.filter(isPattern)];
}
