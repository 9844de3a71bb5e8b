/**
 * What the host's network looks like: as much of it as matters to somebody who sends packets.
 *
 * A picture is plain data and never changes. Devices of our own are not in it, nor what belongs to them:
 * what we do to the host is no news to us. Default routes are those of the main table, which is where
 * marked sockets end up.
 */

import type { IpFamily, LinkAddress, LinkInfo, Route, RouteSocket } from "../../ffi/types.ts";
import { type Address, formatAddress } from "../addr/address.ts";
import { formatPrefix, prefixContains } from "../addr/prefix.ts";

const MAIN_TABLE = 254;

export interface LinkState {
  readonly index: number;
  readonly name: string;
  readonly running: boolean;
  readonly mtu: number;
}

export interface AddressState {
  readonly device: string;
  /** As text, with its length: "192.0.2.1/24". */
  readonly prefix: string;
}

export interface DefaultRoute {
  readonly device: string;
  /** Index of the device. */
  readonly link: number;
  readonly gateway?: string;
  /** The address that packets leave with, as far as it can be told without a destination. */
  readonly source?: string;
  readonly metric: number;
}

export interface FamilyState {
  /** The best first. */
  readonly defaults: readonly DefaultRoute[];
  /** The best that works: its device runs, and there is an address to send from. */
  readonly wayOut: DefaultRoute | undefined;
}

export interface HostState {
  readonly links: readonly LinkState[];
  /** Those that others can reach and that can be used now. */
  readonly addresses: readonly AddressState[];
  readonly ipv4: FamilyState;
  readonly ipv6: FamilyState;
}

/** What the system says. */
export interface HostFacts {
  readonly links: readonly LinkInfo[];
  readonly addresses: readonly LinkAddress[];
  /** The default ones of both families. */
  readonly routes: readonly Route[];
}

/** The picture of the namespace that `socket` was opened in. */
export function readHostState(
  socket: Pick<RouteSocket, "links" | "addresses" | "defaultRoutes">,
  isOurs: (device: string) => boolean,
): HostState {
  const facts = {
    links: socket.links(),
    addresses: socket.addresses(),
    routes: socket.defaultRoutes(MAIN_TABLE),
  };
  return hostState(facts, isOurs);
}

export function hostState(facts: HostFacts, isOurs: (device: string) => boolean): HostState {
  const links = new Map(
    facts.links.filter(({ name }) => !isOurs(name)).map((link) => [link.index, link]),
  );
  const addresses = facts.addresses.filter((address) =>
    links.has(address.link) && isUsable(address)
  );
  const family = (octets: number): FamilyState => {
    const defaults = defaultRoutes(
      facts.routes.filter(({ destination }) => destination.address.length === octets),
      links,
      addresses.filter(({ prefix }) => prefix.address.length === octets),
    );
    return { defaults, wayOut: defaults.find((route) => works(route, links)) };
  };
  return {
    links: [...links.values()].map(({ index, name, running, mtu }) => ({
      ...{ index, name, running, mtu },
    })),
    addresses: addresses.map(({ link, prefix }) => ({
      device: links.get(link)!.name,
      prefix: formatPrefix(prefix),
    })),
    ipv4: family(4),
    ipv6: family(16),
  };
}

export function familyState(state: HostState, family: IpFamily): FamilyState {
  return family === 4 ? state.ipv4 : state.ipv6;
}

/** Whether anything can leave the host. */
export function isOnline({ ipv4, ipv6 }: HostState): boolean {
  return ipv4.wayOut !== undefined || ipv6.wayOut !== undefined;
}

function isUsable({ scope = "global", tentative, duplicate }: LinkAddress): boolean {
  return (scope === "global" || scope === "site") && !tentative && !duplicate;
}

function works({ link, source }: DefaultRoute, links: ReadonlyMap<number, LinkInfo>): boolean {
  return source !== undefined && links.get(link)!.running;
}

/** By metric. One that refuses hides those behind it; each way of several counts by itself. */
function defaultRoutes(
  routes: readonly Route[],
  links: ReadonlyMap<number, LinkInfo>,
  addresses: readonly LinkAddress[],
): DefaultRoute[] {
  const sorted = routes.toSorted((a, b) => (a.metric ?? 0) - (b.metric ?? 0));
  const refusing = sorted.findIndex(({ type = "unicast" }) => type !== "unicast");
  return sorted.slice(0, refusing < 0 ? sorted.length : refusing).flatMap((route) => {
    const ways = route.hops ?? [route];
    return ways.flatMap(({ link = 0, gateway }) => {
      const device = links.get(link)?.name;
      if (device === undefined) return [];
      const source = route.source ?? sourceOf(link, gateway, addresses)?.prefix.address;
      return [{
        device,
        link,
        metric: route.metric ?? 0,
        ...(gateway === undefined ? {} : { gateway: formatAddress(gateway) }),
        ...(source === undefined ? {} : { source: formatAddress(source) }),
      }];
    });
  });
}

/** Of the gateway's network, else of the device, else of the host; temporary ones first. */
function sourceOf(
  link: number,
  gateway: Address | undefined,
  addresses: readonly LinkAddress[],
): LinkAddress | undefined {
  const usable = addresses.filter(({ deprecated }) => !deprecated)
    .toSorted((a, b) => Number(b.temporary ?? false) - Number(a.temporary ?? false));
  const own = usable.filter((address) => address.link === link);
  return own.find(({ prefix }) => gateway !== undefined && prefixContains(prefix, gateway)) ??
    own[0] ?? usable[0];
}
