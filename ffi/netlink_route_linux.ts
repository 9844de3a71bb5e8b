/** Routes in rtnetlink: `struct rtmsg` and its attributes (`man 7 rtnetlink`). */

import type { Address } from "../src/addr/address.ts";
import { get16le, get32le, set16le, set32le } from "../src/bytes.ts";
import { type Fields, fieldsOf } from "./netlink_fields_linux.ts";
import {
  attributeNumber,
  attributePrefix,
  defined,
  nestedAttributes,
  type NetlinkMessage,
  NetlinkRequest,
  readAttributes,
} from "./netlink_message_linux.ts";
import {
  AF_INET,
  AF_INET6,
  familyOfLength,
  ipFamily,
  NLM_F_ACK,
  NLM_F_CREATE_EXCL,
  NLM_F_DUMP,
  NLM_F_REQUEST,
  RT_TABLE_MAIN,
  Rtm,
  RTPROT_STATIC,
} from "./netlink_numbers_linux.ts";
import type { IpFamily, LookupOptions, Route, RouteAnswer, RouteHop, RouteType } from "./types.ts";

const STRUCTURE_SIZE = 12;
const RTA_DST = 1;
const RTA_SRC = 2;
const RTA_IIF = 3;
const RTA_OIF = 4;
const RTA_GATEWAY = 5;
const RTA_PRIORITY = 6;
const RTA_PREFSRC = 7;
const RTA_METRICS = 8;
const RTA_MULTIPATH = 9;
const RTA_TABLE = 15;
const RTA_MARK = 16;
const RTA_VIA = 18;
const RTA_UID = 25;
const RTAX_MTU = 2;
const RTAX_ADVMSS = 8;
const RTNH_F_ONLINK = 4;
const NEXT_HOP_SIZE = 8;
/** A copy that the kernel keeps of a route for one destination. */
const RTM_F_CLONED = 0x200;
/** Answer with the table that the route was found in; IPv6 does so anyway. */
const RTM_F_LOOKUP_TABLE = 0x1000;
const RT_SCOPE_UNIVERSE = 0;
const RT_SCOPE_LINK = 253;
const RT_SCOPE_NOWHERE = 255;
/** What IPv6 makes of a metric that was left out. */
const IPV6_METRIC = 1024;

const types: readonly RouteType[] = [
  "other",
  "unicast",
  "local",
  "broadcast",
  "anycast",
  "multicast",
  "blackhole",
  "unreachable",
  "prohibit",
  "throw",
];

/** Packets to there leave; the kernel lists the others of IPv6 with the loopback device. */
function hasWay(type: RouteType): boolean {
  return types.indexOf(type) < types.indexOf("blackhole");
}

export function addRouteRequest(route: Route): NetlinkRequest {
  const local = route.destination.address.length === 4 && route.gateway === undefined &&
    hasWay(route.type ?? "unicast");
  const scope = local ? RT_SCOPE_LINK : RT_SCOPE_UNIVERSE;
  return routeRequest(Rtm.NEWROUTE, NLM_F_CREATE_EXCL, route, scope);
}

/** To delete, "nowhere" matches any scope; what is left out matches anything. */
export function deleteRouteRequest(route: Route): NetlinkRequest {
  const ipv4 = route.destination.address.length === 4;
  const exact = ipv4 ? route : { ...route, metric: route.metric || IPV6_METRIC };
  return routeRequest(Rtm.DELROUTE, 0, exact, RT_SCOPE_NOWHERE);
}

function routeRequest(type: number, flags: number, route: Route, scope: number): NetlinkRequest {
  const { address, length } = route.destination;
  const table = route.table ?? RT_TABLE_MAIN;
  const structure = new Uint8Array(STRUCTURE_SIZE);
  structure[0] = familyOfLength(address.length);
  structure[1] = length;
  structure[2] = route.from?.length ?? 0;
  structure[3] = route.tos ?? 0;
  // The attribute has room for all 32 bits.
  structure[4] = table < 256 ? table : 0;
  structure[5] = route.protocol ?? RTPROT_STATIC;
  structure[6] = scope;
  structure[7] = types.indexOf(route.type ?? "unicast");
  set32le(structure, 8, route.onLink ? RTNH_F_ONLINK : 0);
  const request = new NetlinkRequest(type, NLM_F_REQUEST | NLM_F_ACK | flags, structure);
  if (length > 0) request.attribute(RTA_DST, address);
  if (structure[2] > 0) request.attribute(RTA_SRC, route.from!.address);
  request.attribute32(RTA_TABLE, table);
  if (route.link !== undefined) request.attribute32(RTA_OIF, route.link);
  if (route.gateway !== undefined) addGateway(request, route.gateway, address.length);
  if (route.source !== undefined) request.attribute(RTA_PREFSRC, route.source);
  if (route.metric !== undefined) request.attribute32(RTA_PRIORITY, route.metric);
  const metrics = metricsOf(route);
  if (metrics.size > 0) request.nested32(RTA_METRICS, metrics);
  return request;
}

function addGateway(request: NetlinkRequest, gateway: Address, octets: number): void {
  if (gateway.length === octets) {
    request.attribute(RTA_GATEWAY, gateway);
    return;
  }
  const via = new Uint8Array(2 + gateway.length);
  set16le(via, 0, familyOfLength(gateway.length));
  via.set(gateway, 2);
  request.attribute(RTA_VIA, via);
}

function metricsOf({ mtu, advmss }: Route): Map<number, number> {
  const metrics = new Map<number, number>();
  if (mtu !== undefined) metrics.set(RTAX_MTU, mtu);
  if (advmss !== undefined) metrics.set(RTAX_ADVMSS, advmss);
  return metrics;
}

/** The routes of one family. A kernel before Linux 4.20 lists all tables whatever is asked for. */
export function listRoutesRequest(family: IpFamily, table: number | undefined): NetlinkRequest {
  const structure = new Uint8Array(STRUCTURE_SIZE);
  structure[0] = family === 4 ? AF_INET : AF_INET6;
  const request = new NetlinkRequest(Rtm.GETROUTE, NLM_F_REQUEST | NLM_F_DUMP, structure);
  return table === undefined ? request : request.attribute32(RTA_TABLE, table);
}

export function readRoute({ bytes, at, end }: NetlinkMessage): Route | undefined {
  const family = ipFamily(bytes[at]!);
  if (family === undefined || (get32le(bytes, at + 8) & RTM_F_CLONED) !== 0) return undefined;
  const attributes = readAttributes(bytes, at + STRUCTURE_SIZE, end);
  const type = types[bytes[at + 7]!] ?? "other";
  const metrics = nestedAttributes(attributes.get(RTA_METRICS));
  return defined<Route>({
    destination: {
      address: attributes.get(RTA_DST) ?? new Uint8Array(family === 4 ? 4 : 16),
      length: bytes[at + 1]!,
    },
    type,
    link: hasWay(type) ? attributeNumber(attributes.get(RTA_OIF)) : undefined,
    gateway: readGateway(attributes),
    onLink: (get32le(bytes, at + 8) & RTNH_F_ONLINK) !== 0 || undefined,
    source: attributes.get(RTA_PREFSRC),
    metric: attributeNumber(attributes.get(RTA_PRIORITY)),
    table: attributeNumber(attributes.get(RTA_TABLE)) ?? bytes[at + 4]!,
    mtu: attributeNumber(metrics.get(RTAX_MTU)),
    advmss: attributeNumber(metrics.get(RTAX_ADVMSS)),
    protocol: bytes[at + 5]!,
    from: attributePrefix(attributes.get(RTA_SRC), bytes[at + 2]!),
    tos: bytes[at + 3]! || undefined,
    hops: readHops(attributes.get(RTA_MULTIPATH)),
  });
}

/** As `readRoute`; the others cost next to nothing. */
export function readDefaultRoute(message: NetlinkMessage): Route | undefined {
  return message.bytes[message.at + 1] === 0 ? readRoute(message) : undefined;
}

function readGateway(attributes: Map<number, Uint8Array>): Address | undefined {
  const via = attributes.get(RTA_VIA);
  if (via === undefined) return attributes.get(RTA_GATEWAY);
  return via.length === 6 || via.length === 18 ? via.subarray(2) : undefined;
}

function readHops(value: Uint8Array | undefined): RouteHop[] | undefined {
  if (value === undefined) return undefined;
  const hops: RouteHop[] = [];
  let at = 0;
  while (at + NEXT_HOP_SIZE <= value.length) {
    const size = get16le(value, at);
    if (size < NEXT_HOP_SIZE || at + size > value.length) break;
    const attributes = readAttributes(value, at + NEXT_HOP_SIZE, at + size);
    const gateway = readGateway(attributes);
    hops.push({ link: get32le(value, at + 4), ...(gateway === undefined ? {} : { gateway }) });
    at += (size + 3) & ~3;
  }
  return hops;
}

export function lookupRequest(address: Address, options: LookupOptions): NetlinkRequest {
  const { mark, uid, outputLink, inputLink, source } = options;
  const structure = new Uint8Array(STRUCTURE_SIZE);
  structure[0] = familyOfLength(address.length);
  structure[1] = address.length * 8;
  structure[2] = source === undefined ? 0 : source.length * 8;
  set32le(structure, 8, structure[0] === AF_INET ? RTM_F_LOOKUP_TABLE : 0);
  const request = new NetlinkRequest(Rtm.GETROUTE, NLM_F_REQUEST | NLM_F_ACK, structure)
    .attribute(RTA_DST, address);
  if (source !== undefined) request.attribute(RTA_SRC, source);
  if (mark !== undefined) request.attribute32(RTA_MARK, mark);
  if (uid !== undefined) request.attribute32(RTA_UID, uid);
  if (outputLink !== undefined) request.attribute32(RTA_OIF, outputLink);
  if (inputLink !== undefined) request.attribute32(RTA_IIF, inputLink);
  return request;
}

/** What a lookup found; undefined when packets do not leave. */
export function readAnswer(message: NetlinkMessage): RouteAnswer | undefined {
  const { bytes, at, end } = message;
  const attributes = readAttributes(bytes, at + STRUCTURE_SIZE, end);
  const type = types[bytes[at + 7]!] ?? "other";
  const link = attributeNumber(attributes.get(RTA_OIF));
  if (!hasWay(type) || link === undefined) return undefined;
  return defined<RouteAnswer>({
    type,
    link,
    table: attributeNumber(attributes.get(RTA_TABLE)) ?? bytes[at + 4]!,
    gateway: readGateway(attributes),
    source: attributes.get(RTA_PREFSRC),
    mtu: attributeNumber(nestedAttributes(attributes.get(RTA_METRICS)).get(RTAX_MTU)),
  });
}

/** What tells a route from others: what is left out counts as what the kernel makes of it. */
export function routeFields(route: Route): Fields {
  const { destination, type = "unicast", table = RT_TABLE_MAIN, from } = route;
  const ipv4 = destination.address.length === 4;
  return fieldsOf({
    destination: `${destination.address}/${destination.length}`,
    ...{ type, table, protocol: route.protocol ?? RTPROT_STATIC, tos: route.tos },
    metric: ipv4 ? route.metric : route.metric || IPV6_METRIC,
    from: from && `${from.address}/${from.length}`,
    link: hasWay(type) ? route.link : undefined,
    ...{ gateway: route.gateway, source: route.source, mtu: route.mtu, advmss: route.advmss },
    onLink: route.onLink,
    hops: route.hops?.map(({ link, gateway }) => `${link} ${gateway}`),
  });
}

/** What the kernel does not look at in the request to delete this route. */
export function ignoredInDelete({ destination }: Route): readonly string[] {
  const common = ["onLink", "hops"];
  return destination.address.length === 4 ? common : [...common, "type", "source", "mtu", "advmss"];
}
