/** What a capture has to know about the host's network before it changes it. */

import type { IpFamily, LinkInfo, PolicyRule, RouteSocket } from "../../ffi/types.ts";
import { type Address, sameAddress } from "../addr/address.ts";
import { formatPrefix, networkOf, parsePrefix, prefixContains } from "../addr/prefix.ts";
import { MAIN_TABLE } from "./routing.ts";

export interface HostFacts {
  /** Those that the kernel runs with. */
  readonly families: readonly IpFamily[];
  /** Those that the tunnel's device has an address of. */
  readonly carried: ReadonlySet<IpFamily>;
  readonly rules: readonly PolicyRule[];
  /** Tables with routes in them, or rules for them. */
  readonly usedTables: ReadonlySet<number>;
  readonly internal: InternalInterfaces;
  /** Networks that are the host's own neighbourhood, as texts. */
  readonly lan: readonly string[];
}

/** What everybody may use at home, and nobody has elsewhere. */
export const HOME_NETWORKS = ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16"]
  .concat("fc00::/7", "fe80::/10");

/** Interfaces that lead nowhere but to containers and virtual machines of this host. */
export interface InternalInterfaces {
  readonly names: readonly string[];
  /** As texts. */
  readonly networks: readonly string[];
}

/** `addresses` are those of the tunnel's device. */
export function readHostFacts(
  socket: RouteSocket,
  addresses: readonly Address[],
  hasIpv6: boolean,
): HostFacts {
  const rules = socket.rules();
  const tables = [...socket.routes().map(({ table }) => table), ...rules.map(({ table }) => table)];
  return {
    families: hasIpv6 ? [4, 6] : [4],
    carried: new Set(addresses.map(({ length }) => length === 4 ? 4 : 6)),
    rules,
    usedTables: new Set(tables.filter((table) => table !== undefined)),
    internal: internalInterfaces(socket),
    lan: lanNetworks(socket, addresses),
  };
}

/** What containers and virtual machines hang on; any other kind may lead to another host. */
const HOME_KINDS: readonly string[] = ["veth", "netkit", "tun", "dummy"];

/** The usual ones, and those that the host has an address of. `own` are the tunnel's addresses. */
export function lanNetworks(
  socket: Pick<RouteSocket, "addresses">,
  own: readonly Address[],
): string[] {
  const home = HOME_NETWORKS.map((text) => parsePrefix(text)!);
  const around = socket.addresses()
    .filter(({ prefix, scope = "global" }) =>
      scope === "global" && prefix.length < prefix.address.length * 8 &&
      !own.some((address) => sameAddress(address, prefix.address)) &&
      !home.some((network) => prefixContains(network, prefix.address))
    )
    .map(({ prefix }) => formatPrefix(networkOf(prefix)));
  return [...HOME_NETWORKS, ...new Set(around)];
}

/** Bridges of which no part leads out, and by which nobody leaves the host. */
export function internalInterfaces(
  socket: Pick<RouteSocket, "links" | "addresses" | "defaultRoutes">,
): InternalInterfaces {
  const links = socket.links();
  const exits = new Set(
    socket.defaultRoutes(MAIN_TABLE).flatMap((
      { link, hops = [] },
    ) => [link, ...hops.map((hop) => hop.link)]),
  );
  const internal = links.filter((link) => isInternal(link, links) && !exits.has(link.index));
  const indexes = new Set(internal.map(({ index }) => index));
  const networks = socket.addresses()
    .filter(({ link, scope = "global" }) => indexes.has(link) && scope !== "link")
    .map(({ prefix }) => formatPrefix(networkOf(prefix)));
  return { names: internal.map(({ name }) => name), networks: [...new Set(networks)] };
}

function isInternal({ index, kind }: LinkInfo, links: readonly LinkInfo[]): boolean {
  return kind === "bridge" &&
    links.every((part) => part.master !== index || HOME_KINDS.includes(part.kind));
}
