/** What is different between two pictures of the host's network: a list of reasons with names. */

import type { IpFamily } from "../../ffi/types.ts";
import {
  type DefaultRoute,
  familyState,
  type HostState,
  isOnline,
  type LinkState,
} from "./host_state.ts";

/** A pause of the machine that is shorter than this is none. */
const SLEEP_MS = 1000;

export type Reason =
  | {
    readonly kind: "link-came" | "link-gone" | "link-running" | "link-stopped";
    readonly device: string;
  }
  | {
    readonly kind: "mtu-changed";
    readonly device: string;
    readonly from: number;
    readonly to: number;
  }
  | {
    readonly kind: "address-came" | "address-gone";
    readonly device: string;
    readonly prefix: string;
  }
  | {
    /** The way out of a family; none before, or none now, where one is missing. */
    readonly kind: "default-changed";
    readonly family: IpFamily;
    readonly from: DefaultRoute | undefined;
    readonly to: DefaultRoute | undefined;
  }
  | { readonly kind: "online" | "offline" }
  | { readonly kind: "woke"; readonly sleptMs: number };

export interface Difference {
  readonly before: HostState;
  readonly after: HostState;
  /** At least one. */
  readonly reasons: readonly Reason[];
}

/** What changed, the machine having slept for so long in between; undefined when nothing did. */
export function difference(
  before: HostState,
  after: HostState,
  sleptMs = 0,
): Difference | undefined {
  const reasons = [
    ...sleep(sleptMs),
    ...links(before, after),
    ...addresses(before, after),
    ...defaults(before, after, 4),
    ...defaults(before, after, 6),
    ...reach(before, after),
  ];
  return reasons.length === 0 ? undefined : { before, after, reasons };
}

/** Whether that is a sleep at all, and not two clocks that were read one after the other. */
export function isSleep(sleptMs: number): boolean {
  return sleptMs >= SLEEP_MS;
}

function sleep(sleptMs: number): Reason[] {
  return isSleep(sleptMs) ? [{ kind: "woke", sleptMs }] : [];
}

function links(before: HostState, after: HostState): Reason[] {
  const old = new Map(before.links.map((link) => [linkKey(link), link]));
  const reasons = after.links.flatMap((link): Reason[] => {
    const was = old.get(linkKey(link));
    old.delete(linkKey(link));
    if (was === undefined) return [{ kind: "link-came", device: link.name }];
    return linkChanges(was, link);
  });
  const gone = [...old.values()].map(({ name }): Reason => ({ kind: "link-gone", device: name }));
  return [...gone, ...reasons];
}

/** One that was made anew under the old name, or that was renamed, is another one. */
function linkKey({ index, name }: LinkState): string {
  return `${index} ${name}`;
}

function linkChanges(was: LinkState, { name, running, mtu }: LinkState): Reason[] {
  const reasons: Reason[] = [];
  if (was.running !== running) {
    reasons.push({ kind: running ? "link-running" : "link-stopped", device: name });
  }
  if (was.mtu !== mtu) reasons.push({ kind: "mtu-changed", device: name, from: was.mtu, to: mtu });
  return reasons;
}

function addresses(before: HostState, after: HostState): Reason[] {
  const key = ({ device, prefix }: { device: string; prefix: string }) => `${device} ${prefix}`;
  const [old, now] = [before, after].map((state) => new Set(state.addresses.map(key)));
  return [
    ...before.addresses.filter((each) => !now!.has(key(each)))
      .map((each): Reason => ({ kind: "address-gone", ...each })),
    ...after.addresses.filter((each) => !old!.has(key(each)))
      .map((each): Reason => ({ kind: "address-came", ...each })),
  ];
}

function defaults(before: HostState, after: HostState, family: IpFamily): Reason[] {
  const [from, to] = [before, after].map((state) => familyState(state, family).wayOut);
  return sameWay(from, to) ? [] : [{ kind: "default-changed", family, from, to }];
}

/** Another metric alone makes no difference to packets. */
function sameWay(a: DefaultRoute | undefined, b: DefaultRoute | undefined): boolean {
  return a?.link === b?.link && a?.device === b?.device && a?.gateway === b?.gateway &&
    a?.source === b?.source;
}

function reach(before: HostState, after: HostState): Reason[] {
  if (isOnline(before) === isOnline(after)) return [];
  return [{ kind: isOnline(after) ? "online" : "offline" }];
}

/** For a line of the log. */
export function describeReason(reason: Reason): string {
  switch (reason.kind) {
    case "link-came":
      return `${reason.device} is there`;
    case "link-gone":
      return `${reason.device} is gone`;
    case "link-running":
      return `${reason.device} is connected`;
    case "link-stopped":
      return `${reason.device} is disconnected`;
    case "mtu-changed":
      return `the MTU of ${reason.device} went from ${reason.from} to ${reason.to}`;
    case "address-came":
      return `${reason.device} has the address ${reason.prefix}`;
    case "address-gone":
      return `${reason.device} has lost the address ${reason.prefix}`;
    case "default-changed":
      return `the way out by IPv${reason.family} went from ${way(reason.from)} to ${
        way(reason.to)
      }`;
    case "online":
      return "the host is online";
    case "offline":
      return "the host is offline";
    case "woke":
      return `the machine has slept for ${Math.round(reason.sleptMs / 1000)} s`;
  }
}

function way(route: DefaultRoute | undefined): string {
  if (route === undefined) return "none";
  return route.gateway === undefined ? route.device : `${route.gateway} on ${route.device}`;
}
