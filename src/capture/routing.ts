/**
 * Which packets go into the tunnel, as routes in a table of ztun's own and as rules that lead there. Pure.
 *
 * By priority, each family:
 *
 *     what has the mark         outside, and nowhere else: not back into the tunnel when the network is away
 *     what comes from the tunnel  to whom it is meant for: an answer to a program, a container, the LAN
 *     to the proxy, its port    the same: connections that are made without the mark
 *     users that are excepted   the same
 *     networks of containers    by the main table: they lead nowhere else
 *     port 53                   into the tunnel, also to a server on the LAN
 *     the LAN                   by the main table's routes, but not its default; other networks not: who
 *                               hands out routes could pull everything out of the tunnel by two halves
 *     everything else           by ztun's table: included networks into the device, bypassed ones thrown
 *                               back to the rules that were there before; what cannot take the device
 *                               (a socket that is bound to another, a device that is down) goes nowhere
 *
 * They stand before all rules that were there. Each has a priority of its own, by which one that has to go
 * is told from the others.
 */

import type { IpFamily, NumberRange, PolicyRule } from "../../ffi/types.ts";
import { formatAddress } from "../addr/address.ts";
import { formatPrefix, networkOf, parsePrefix } from "../addr/prefix.ts";
import { UserError } from "../errors.ts";
import type { RouteChange } from "../host/changes/route_change.ts";
import type { RuleChange } from "../host/changes/rule_change.ts";
import type { ProxyAddress } from "../host/firewall/kill_switch_plan.ts";
import type { UserRange } from "../host/firewall/senders.ts";
import type { SlotRange } from "./rule_slots.ts";

export const MAIN_TABLE = 254;
/** The first table that is looked at: "zt". */
const FIRST_TABLE = 0x7a74;
/** Priorities that one tunnel takes, and where in them is what comes and goes while it runs. */
const PRIORITIES = 240;
/** Of the main table's rule, as the kernel makes it. */
const LAST_PRIORITY = 32_766;
const PROXIES = { first: 3, count: 20, size: 3 };
const USERS = { first: 63, count: 33, size: 3 };
const INTERNAL = { first: 164, count: 20, size: 1 };
const FROM_TUNNEL = 186;
const NAMES = 206;
const LAN = { first: 208, count: 28, size: 1 };
const EVERYTHING = 239;
const TCP = 6;
const UDP = 17;
const DNS_PORT: NumberRange = { first: 53, last: 53 };
/** Behind every route into the device. */
const LAST_METRIC = 0x7fff_0000;
/** What is said to the neighbours on a link is not for the tunnel, whatever is said of the LAN. */
const LINK_LOCAL = "fe80::/10";
/** What no router passes on: it belongs to the LAN, and no route of a host says so. */
const LINK_ONLY = ["224.0.0.0/4", "255.255.255.255/32", "169.254.0.0/16"];

export interface RoutingPlan {
  readonly table: number;
  readonly mark: number;
  /** The first of the priorities. */
  readonly priority: number;
  /** Where what stays outside is routed. */
  readonly outside: number;
}

export interface RoutingSettings {
  readonly device: string;
  /** Of networks that the device carries; what is of the others is refused. */
  readonly carried: ReadonlySet<IpFamily>;
  /** Of networks that the host knows. */
  readonly families: readonly IpFamily[];
  /** Texts; none for everything. */
  readonly include: readonly string[];
  readonly bypass: readonly string[];
  /** The LAN stays outside. */
  readonly lan: boolean;
  /** Questions for names go into the tunnel, whoever is asked. */
  readonly dns: boolean;
}

/** A table that nobody uses, or the one that was asked for. */
export function freeTable(wanted: number, used: ReadonlySet<number>): number {
  if (wanted > 0) {
    if (!used.has(wanted)) return wanted;
    throw new UserError(`Cannot use routing table ${wanted}: there are routes or rules for it`, {
      hint: `See \`ip route show table ${wanted}\` and \`ip rule\`; or leave out --table`,
    });
  }
  let table = FIRST_TABLE;
  while (used.has(table)) table++;
  return table;
}

/**
 * Where a tunnel's rules begin: before all others, as near to them as can be. Where there is no room, behind
 * as few of them as can be.
 */
export function freePriority(rules: readonly PolicyRule[]): number {
  const taken = [...new Set(rules.map(({ priority }) => priority))].toSorted((a, b) => a - b);
  const next = taken.find((priority, index) => priority - (taken[index - 1] ?? 0) > PRIORITIES);
  return (next ?? LAST_PRIORITY) - PRIORITIES;
}

/** The last of the rules that are asked before a tunnel's; 0 for none but the kernel's own. */
export function ruleBefore(rules: readonly PolicyRule[], priority: number): number {
  return Math.max(0, ...rules.map((rule) => rule.priority).filter((each) => each < priority));
}

export function planRoutes(plan: RoutingPlan, settings: RoutingSettings): RouteChange[] {
  const { device, carried, families, include, bypass, lan } = settings;
  const { table } = plan;
  const bypassed = new Set(bypass.map(normal));
  const wanted = (include.length > 0 ? include : ["0.0.0.0/0", "::/0"]).map(normal)
    .filter((text) => !bypassed.has(text));
  const known = (text: string) => families.includes(familyOf(text));
  const into = wanted.filter(known).flatMap((destination): RouteChange[] => [
    ...carried.has(familyOf(destination))
      ? [{ kind: "route", destination, table, device } as const]
      : [],
    { kind: "route", destination, table, type: "unreachable", metric: LAST_METRIC },
  ]);
  const back = new Set([...bypassed, ...lan ? LINK_ONLY : []]);
  const past = [...back].filter((text) => known(text) && !wanted.includes(text))
    .map((destination): RouteChange => ({ kind: "route", destination, table, type: "throw" }));
  // Before any rule leads here, and those that lead past the tunnel before those that lead into it.
  return [...past, ...into];
}

/** The rules for what stays outside by its mark, or comes out of the tunnel. */
export function planOutside(
  { priority, mark, outside: beyond }: RoutingPlan,
  settings: RoutingSettings,
): RuleChange[] {
  const { device: inputLink } = settings;
  return capturedFamilies(settings).flatMap((family) => [
    ...outside(beyond, { family, mark }, priority),
    ...outside(MAIN_TABLE, { family, inputLink }, priority + FROM_TUNNEL),
  ]);
}

/** The rules that lead into the tunnel. */
export function planRules(
  { priority, table }: RoutingPlan,
  settings: RoutingSettings,
): RuleChange[] {
  const { dns, lan } = settings;
  return capturedFamilies(settings).flatMap((family) => {
    const rule = (at: number, rest: Partial<RuleChange>): RuleChange => (
      { kind: "rule", family, priority: priority + at, table, ...rest }
    );
    return [
      ...dns
        ? [TCP, UDP].map((ipProtocol, index) =>
          rule(NAMES + index, { ipProtocol, destinationPorts: DNS_PORT })
        )
        : [],
      ...!lan && family === 6 ? [rule(LAN.first, { to: LINK_LOCAL, table: MAIN_TABLE })] : [],
      rule(EVERYTHING, {}),
    ];
  });
}

function capturedFamilies({ include, families }: RoutingSettings): IpFamily[] {
  return families.filter((family) =>
    include.length === 0 || include.some((text) => familyOf(text) === family)
  );
}

export interface SlotRanges {
  readonly proxies: SlotRange;
  readonly users: SlotRange;
  readonly internal: SlotRange;
  readonly lan: SlotRange;
}

export function slotRanges({ priority }: RoutingPlan): SlotRanges {
  const from = (range: SlotRange) => ({ ...range, first: priority + range.first });
  return { proxies: from(PROXIES), users: from(USERS), internal: from(INTERNAL), lan: from(LAN) };
}

/** Keeps connections to the proxy outside, whoever makes them. */
export function proxyRules(
  plan: RoutingPlan,
  { address, port }: ProxyAddress,
  priority: number,
): RuleChange[] {
  return outside(plan.outside, {
    family: address.length === 4 ? 4 : 6,
    to: `${formatAddress(address)}/${address.length * 8}`,
    ipProtocol: TCP,
    destinationPorts: { first: port, last: port },
  }, priority);
}

/** Keeps users outside. */
export function userRules(
  plan: RoutingPlan,
  { from, to }: UserRange,
  families: readonly IpFamily[],
  priority: number,
): RuleChange[] {
  return families.flatMap((family) =>
    outside(plan.outside, { family, uids: { first: from, last: to } }, priority)
  );
}

/** Leaves a network of containers to the host's own routes. */
export function internalRule(to: string, priority: number): RuleChange[] {
  return [{ kind: "rule", family: familyOf(to), priority, to, table: MAIN_TABLE }];
}

/** Leaves a network of the LAN to the host's own routes, as far as they are more than the default. */
export function lanRule(to: string, priority: number): RuleChange[] {
  return [{
    kind: "rule",
    family: familyOf(to),
    priority,
    to,
    table: MAIN_TABLE,
    suppressPrefixLength: 0,
  }];
}

/** Outside, or nowhere. */
function outside(
  table: number,
  selector: Omit<RuleChange, "kind" | "priority">,
  priority: number,
): RuleChange[] {
  const rule = { kind: "rule", ...selector } as const;
  return [
    // A table for the way out alone knows nothing of the other networks that this host is in.
    ...table === MAIN_TABLE
      ? []
      : [{ ...rule, priority, table: MAIN_TABLE, suppressPrefixLength: 0 }],
    { ...rule, priority: priority + 1, table },
    { ...rule, priority: priority + 2, action: "unreachable" },
  ];
}

export function familyOf(network: string): IpFamily {
  return parsePrefix(network)!.address.length === 4 ? 4 : 6;
}

function normal(network: string): string {
  return formatPrefix(networkOf(parsePrefix(network)!));
}
