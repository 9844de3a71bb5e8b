/**
 * A table of the firewall as plain data: what the plans make, what the kernel is given (`compile.ts`),
 * and what a user is shown as `nft` reads it (`text.ts`).
 *
 * A rule is a list of statements; the first match that does not hold ends it.
 */

import type { Address } from "../../addr/address.ts";
import type { Prefix } from "../../addr/prefix.ts";
import type { Cgroup } from "./cgroup.ts";
import type { Field, Scalar } from "./field.ts";

/** One firewall table; of both IP versions. */
export interface Table {
  readonly name: string;
  /** Named counters, for `counter` statements. */
  readonly counters: readonly string[];
  readonly sets: readonly NamedSet[];
  readonly chains: readonly Chain[];
}

/** Values of several fields together, or networks. */
export type NamedSet = ValueSet | PrefixSet;

export interface ValueSet {
  readonly name: string;
  readonly fields: readonly Field[];
  /** One value per field each. */
  readonly values: readonly (readonly Scalar[])[];
}

export interface PrefixSet {
  readonly name: string;
  readonly field: Field;
  /** None may lie within another. */
  readonly prefixes: readonly Prefix[];
}

export interface Chain {
  readonly name: string;
  /** Left out in chains that others jump to. */
  readonly hook?: ChainHook;
  readonly rules: readonly Rule[];
}

export interface ChainHook {
  readonly type: "filter" | "route" | "nat";
  readonly hook: "prerouting" | "input" | "forward" | "output" | "postrouting";
  readonly priority: number;
  readonly policy: "accept" | "drop";
}

/** Among the chains of a hook, the smaller comes first. */
export const Priority = {
  Mangle: -150,
  DestinationNat: -100,
  Filter: 0,
  SourceNat: 100,
} as const;

export type Rule = readonly Statement[];

export type Match =
  | { kind: "is"; field: Field; value: Scalar; not?: true }
  /** Both ends included; numbers. */
  | { kind: "between"; field: Field; from: number; to: number; not?: true }
  | { kind: "within"; field: Field; prefix: Prefix; not?: true }
  /** `(field & mask) == value` */
  | { kind: "masked"; field: Field; mask: number; value: number; not?: true }
  /** One of these bits at least. */
  | { kind: "has"; field: Field; flags: readonly string[] }
  | { kind: "oneOf"; field: Field; values: readonly Scalar[]; not?: true }
  | { kind: "inSet"; fields: readonly Field[]; set: string; not?: true }
  /** The packet's socket was made in this cgroup or below it. */
  | { kind: "cgroup"; cgroup: Cgroup; not?: true };

export type Action =
  | { kind: "verdict"; verdict: "accept" | "drop" | "return" }
  | { kind: "jump"; chain: string }
  | { kind: "setMark"; field: "meta mark" | "ct mark"; mark: Mark }
  | { kind: "counter"; name?: string }
  | {
    kind: "limit";
    rate: number;
    per: "second" | "minute" | "hour";
    burst: number;
    over?: true;
  }
  | { kind: "reject"; with: "tcp reset" | RejectCode }
  | { kind: "masquerade" }
  | { kind: "redirect"; port: number }
  | { kind: "dnat"; address: Address; port?: number }
  /** The largest segment of a SYN: lowered to this or to what the route carries, never raised. */
  | { kind: "clampMss"; to: number | "route" };

export type RejectCode = "no-route" | "port-unreachable" | "host-unreachable" | "admin-prohibited";

export type Statement = Match | Action;

/** Bits of a packet's mark. The others are somebody else's. */
export interface Mark {
  readonly value: number;
  readonly mask: number;
}

export const WHOLE_MASK = 0xffff_ffff;

export const accept: Action = { kind: "verdict", verdict: "accept" };
export const drop: Action = { kind: "verdict", verdict: "drop" };
export const back: Action = { kind: "verdict", verdict: "return" };

export function jump(chain: string): Action {
  return { kind: "jump", chain };
}

export function is(field: Field, value: Scalar): Match {
  return { kind: "is", field, value };
}

export function isNot(field: Field, value: Scalar): Match {
  return { kind: "is", field, value, not: true };
}

/** One value alone needs no set. */
export function oneOf(field: Field, values: readonly Scalar[]): Match {
  return values.length === 1 ? is(field, values[0]!) : { kind: "oneOf", field, values };
}

export function noneOf(field: Field, values: readonly Scalar[]): Match {
  return values.length === 1
    ? isNot(field, values[0]!)
    : { kind: "oneOf", field, values, not: true };
}

export function inSet(set: string, ...fields: readonly Field[]): Match {
  return { kind: "inSet", fields, set };
}

export function has(field: Field, ...flags: readonly string[]): Match {
  return { kind: "has", field, flags };
}

export function hasMark(field: "meta mark" | "ct mark", { value, mask }: Mark): Match {
  return mask === WHOLE_MASK ? is(field, value) : { kind: "masked", field, mask, value };
}

export function setMark(field: "meta mark" | "ct mark", mark: Mark): Action {
  return { kind: "setMark", field, mark };
}

export function counted(name: string): Action {
  return { kind: "counter", name };
}

/** Questions for names, and what else is sent to their port. */
export const IS_DNS: readonly Match[] = [
  oneOf("meta l4proto", ["tcp", "udp"]),
  is("th dport", 53),
];

const SYN = 0x02;
const FIN_SYN_RST_ACK = 0x17;
/** The first packet of a TCP connection. */
export const BEGINS = {
  kind: "masked",
  field: "tcp flags",
  mask: FIN_SYN_RST_ACK,
  value: SYN,
} as const satisfies Match;

/** Any other. */
export const CONTINUES: Match = { ...BEGINS, not: true };

/** Letters, digits and underscores only: other characters need not be what `nft` takes for a name. */
export function tableName(purpose: string, device: string): string {
  const safe = device.replace(
    /[^A-Za-z0-9]/g,
    (character) => `_${character.charCodeAt(0).toString(16)}`,
  );
  return `ztun_${purpose}_${safe}`;
}
