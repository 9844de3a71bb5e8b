/**
 * Links, addresses and routes of Linux through rtnetlink (`man 7 rtnetlink`).
 *
 * Each change is one request that the kernel acknowledges before the call returns. It answers at once,
 * so the calls are synchronous. What it says in words (extended acknowledgement) goes into the error.
 */

import { get32le, set32le } from "../src/bytes.ts";
import { check, Errno, libc, SysError } from "./libc.ts";
import {
  attributeNumber,
  attributeText,
  type NetlinkMessage,
  NetlinkRequest,
  readAttributes,
  readMessages,
} from "./netlink_message_linux.ts";
import type { LinkAddress, LinkInfo, Route, RouteSocket } from "./types.ts";

const AF_NETLINK = 16;
const AF_INET = 2;
const AF_INET6 = 10;
const SOCK_RAW_CLOEXEC = 3 | 0o2000000;
const NETLINK_ROUTE = 0;
const SOL_NETLINK = 270;
const NETLINK_CAP_ACK = 10;
const NETLINK_EXT_ACK = 11;

const NLM_F_REQUEST = 0x01;
const NLM_F_ACK = 0x04;
const NLM_F_DUMP = 0x300;
const NLM_F_CREATE_EXCL = 0x600;
const NLM_F_ACK_TLVS = 0x200;
const NLMSG_ERROR = 2;
const NLMSG_DONE = 3;
const NLMSGERR_ATTR_MSG = 1;

const RTM_NEWLINK = 16;
const RTM_GETLINK = 18;
const RTM_NEWADDR = 20;
const RTM_GETADDR = 22;
const RTM_NEWROUTE = 24;
const RTM_DELROUTE = 25;
const RTM_GETROUTE = 26;
const callNames = new Map([
  [RTM_NEWLINK, "RTM_NEWLINK"],
  [RTM_GETLINK, "RTM_GETLINK"],
  [RTM_NEWADDR, "RTM_NEWADDR"],
  [RTM_GETADDR, "RTM_GETADDR"],
  [RTM_NEWROUTE, "RTM_NEWROUTE"],
  [RTM_DELROUTE, "RTM_DELROUTE"],
  [RTM_GETROUTE, "RTM_GETROUTE"],
]);

const IFLA_IFNAME = 3;
const IFLA_MTU = 4;
const IFLA_TXQLEN = 13;
const IFLA_LINKINFO = 18;
const IFLA_INFO_KIND = 1;
const IFLA_INFO_DATA = 2;
const IFLA_TUN_PI = 4;
const IFF_UP = 1;
const IFA_ADDRESS = 1;
const IFA_LOCAL = 2;
const IFA_F_NODAD = 0x02;
const RTA_DST = 1;
const RTA_OIF = 4;
const RTA_GATEWAY = 5;
const RTA_PRIORITY = 6;
const RTA_TABLE = 15;
const RT_TABLE_UNSPEC = 0;
const RT_TABLE_MAIN = 254;
const RTPROT_STATIC = 4;
const RT_SCOPE_UNIVERSE = 0;
const RT_SCOPE_LINK = 253;
const RT_SCOPE_NOWHERE = 255;
const RTN_UNICAST = 1;

const LINK_SIZE = 16;
const ADDRESS_SIZE = 8;
const ROUTE_SIZE = 12;

/** The kernel splits its dumps into pieces of at most 32 KiB. */
const RECEIVE_SIZE = 32768;

/** A request that the kernel refused, with its own words for why. */
export class NetlinkError extends SysError {
  constructor(call: string, code: number, reason: string) {
    super(call, code);
    if (reason !== "") this.message += ` (${reason})`;
  }
}

export class NetlinkRouteSocket implements RouteSocket {
  readonly #fd: number;
  readonly #buffer = new Uint8Array(RECEIVE_SIZE);
  #sequence = 0;
  #closed = false;

  constructor() {
    this.#fd = check("socket", libc().socket(AF_NETLINK, SOCK_RAW_CLOEXEC, NETLINK_ROUTE));
    const on = new Uint8Array(128);
    on[0] = 1;
    // Only words and brevity depend on these two (Linux 4.12 and 4.3): a refusal changes nothing else.
    libc().setsockopt(this.#fd, SOL_NETLINK, NETLINK_EXT_ACK, on, 4);
    libc().setsockopt(this.#fd, SOL_NETLINK, NETLINK_CAP_ACK, on, 4);
  }

  findLink(name: string): LinkInfo | undefined {
    const request = new NetlinkRequest(
      RTM_GETLINK,
      NLM_F_REQUEST | NLM_F_ACK,
      new Uint8Array(LINK_SIZE),
    ).attribute(IFLA_IFNAME, new TextEncoder().encode(`${name}\0`));
    try {
      return this.#exchange(request, RTM_NEWLINK, readLink)[0];
    } catch (error) {
      if (error instanceof SysError && error.code === Errno.ENODEV) return undefined;
      throw error;
    }
  }

  setUp(link: number, up: boolean): void {
    const structure = linkStructure(link);
    set32le(structure, 8, up ? IFF_UP : 0);
    set32le(structure, 12, IFF_UP);
    this.#exchange(linkRequest(structure));
  }

  setMtu(link: number, mtu: number): void {
    this.#exchange(linkRequest(linkStructure(link)).attribute32(IFLA_MTU, mtu));
  }

  setTxQueueLength(link: number, packets: number): void {
    this.#exchange(linkRequest(linkStructure(link)).attribute32(IFLA_TXQLEN, packets));
  }

  addAddress({ link, prefix }: LinkAddress): void {
    const structure = new Uint8Array(ADDRESS_SIZE);
    const ipv6 = prefix.address.length === 16;
    structure[0] = ipv6 ? AF_INET6 : AF_INET;
    structure[1] = prefix.length;
    structure[2] = ipv6 ? IFA_F_NODAD : 0;
    set32le(structure, 4, link);
    const flags = NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE_EXCL;
    this.#exchange(
      new NetlinkRequest(RTM_NEWADDR, flags, structure)
        .attribute(IFA_LOCAL, prefix.address)
        .attribute(IFA_ADDRESS, prefix.address),
    );
  }

  addRoute(route: Route): void {
    this.#exchange(routeRequest(RTM_NEWROUTE, NLM_F_CREATE_EXCL, route, RTPROT_STATIC));
  }

  deleteRoute(route: Route): void {
    this.#exchange(routeRequest(RTM_DELROUTE, 0, route, 0));
  }

  addresses(): LinkAddress[] {
    const structure = new Uint8Array(ADDRESS_SIZE);
    const request = new NetlinkRequest(RTM_GETADDR, NLM_F_REQUEST | NLM_F_DUMP, structure);
    return this.#exchange(request, RTM_NEWADDR, readAddress);
  }

  routes(): Route[] {
    const structure = new Uint8Array(ROUTE_SIZE);
    const request = new NetlinkRequest(RTM_GETROUTE, NLM_F_REQUEST | NLM_F_DUMP, structure);
    return this.#exchange(request, RTM_NEWROUTE, readRoute);
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    libc().close(this.#fd);
  }

  /** Sends a request and reads to its end; gives what `read` made of the messages of `wanted` type. */
  #exchange<T = never>(
    request: NetlinkRequest,
    wanted = -1,
    read: (message: NetlinkMessage) => T | undefined = () => undefined,
  ): T[] {
    const call = callNames.get(request.type)!;
    const sequence = ++this.#sequence;
    const length = request.finish(sequence);
    check(`${call} send`, libc().send(this.#fd, request.bytes, BigInt(length), 0));
    const results: T[] = [];
    while (true) {
      const received = check(
        `${call} receive`,
        libc().recv(this.#fd, this.#buffer, BigInt(RECEIVE_SIZE), 0),
      );
      for (const message of readMessages(this.#buffer, received)) {
        if (message.sequence !== sequence) continue;
        if (message.type === NLMSG_DONE) return results;
        if (message.type === NLMSG_ERROR) {
          throwIfRefused(call, message);
          return results;
        }
        const result = message.type === wanted ? read(message) : undefined;
        if (result !== undefined) results.push(result);
      }
    }
  }
}

function throwIfRefused(call: string, message: NetlinkMessage): void {
  const code = -(get32le(message.bytes, message.at) | 0);
  if (code === 0) return;
  // The error number, then the header of the request (NETLINK_CAP_ACK), then the kernel's words.
  const words = (message.flags & NLM_F_ACK_TLVS) === 0
    ? undefined
    : readAttributes(message.bytes, message.at + 20, message.end).get(NLMSGERR_ATTR_MSG);
  throw new NetlinkError(call, code, attributeText(words));
}

function linkRequest(structure: Uint8Array): NetlinkRequest {
  return new NetlinkRequest(RTM_NEWLINK, NLM_F_REQUEST | NLM_F_ACK, structure);
}

function linkStructure(link: number): Uint8Array {
  const structure = new Uint8Array(LINK_SIZE);
  set32le(structure, 4, link);
  return structure;
}

function routeRequest(type: number, flags: number, route: Route, protocol: number): NetlinkRequest {
  const { address, length } = route.destination;
  const table = route.table ?? RT_TABLE_MAIN;
  const structure = new Uint8Array(ROUTE_SIZE);
  structure[0] = address.length === 4 ? AF_INET : AF_INET6;
  structure[1] = length;
  structure[4] = table < 256 ? table : RT_TABLE_UNSPEC;
  structure[5] = protocol;
  // To delete, "nowhere" matches any scope; IPv6 does not know scopes.
  structure[6] = type === RTM_DELROUTE
    ? RT_SCOPE_NOWHERE
    : address.length === 4
    ? RT_SCOPE_LINK
    : RT_SCOPE_UNIVERSE;
  structure[7] = RTN_UNICAST;
  const request = new NetlinkRequest(type, NLM_F_REQUEST | NLM_F_ACK | flags, structure);
  if (length > 0) request.attribute(RTA_DST, address);
  request.attribute32(RTA_OIF, route.link).attribute32(RTA_TABLE, table);
  if (route.metric !== undefined) request.attribute32(RTA_PRIORITY, route.metric);
  return request;
}

function readLink(message: NetlinkMessage): LinkInfo {
  const { bytes, at, end } = message;
  const attributes = readAttributes(bytes, at + LINK_SIZE, end);
  return {
    index: get32le(bytes, at + 4),
    name: attributeText(attributes.get(IFLA_IFNAME)),
    up: (get32le(bytes, at + 8) & IFF_UP) !== 0,
    mtu: attributeNumber(attributes.get(IFLA_MTU)) ?? 0,
    txQueueLength: attributeNumber(attributes.get(IFLA_TXQLEN)) ?? 0,
    packetInformation: readPacketInformation(attributes.get(IFLA_LINKINFO)),
  };
}

function readPacketInformation(info: Uint8Array | undefined): boolean {
  const attributes = nested(info);
  if (attributeText(attributes.get(IFLA_INFO_KIND)) !== "tun") return false;
  return nested(attributes.get(IFLA_INFO_DATA)).get(IFLA_TUN_PI)?.[0] === 1;
}

function nested(value: Uint8Array = new Uint8Array(0)): Map<number, Uint8Array> {
  return readAttributes(value, 0, value.length);
}

function readAddress({ bytes, at, end }: NetlinkMessage): LinkAddress | undefined {
  const attributes = readAttributes(bytes, at + ADDRESS_SIZE, end);
  // IPv4 names its own end LOCAL and the peer ADDRESS; IPv6 mostly has ADDRESS alone.
  const address = attributes.get(IFA_LOCAL) ?? attributes.get(IFA_ADDRESS);
  if (address === undefined) return undefined;
  return { link: get32le(bytes, at + 4), prefix: { address, length: bytes[at + 1]! } };
}

function readRoute({ bytes, at, end }: NetlinkMessage): Route | undefined {
  if (bytes[at + 7] !== RTN_UNICAST) return undefined;
  const attributes = readAttributes(bytes, at + ROUTE_SIZE, end);
  const link = attributeNumber(attributes.get(RTA_OIF));
  if (link === undefined) return undefined;
  const size = bytes[at] === AF_INET ? 4 : 16;
  const metric = attributeNumber(attributes.get(RTA_PRIORITY));
  const gateway = attributes.get(RTA_GATEWAY);
  return {
    destination: {
      address: attributes.get(RTA_DST) ?? new Uint8Array(size),
      length: bytes[at + 1]!,
    },
    link,
    table: attributeNumber(attributes.get(RTA_TABLE)) ?? bytes[at + 4]!,
    ...(metric === undefined ? {} : { metric }),
    ...(gateway === undefined ? {} : { gateway }),
  };
}
