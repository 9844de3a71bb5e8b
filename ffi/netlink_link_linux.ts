/** Links in rtnetlink: `struct ifinfomsg` and its attributes. */

import { get32le, set32le } from "../src/bytes.ts";
import {
  attributeNumber,
  attributeText,
  nestedAttributes,
  type NetlinkMessage,
  NetlinkRequest,
  readAttributes,
} from "./netlink_message_linux.ts";
import { NLM_F_ACK, NLM_F_DUMP, NLM_F_REQUEST, Rtm } from "./netlink_numbers_linux.ts";
import type { LinkInfo } from "./types.ts";

const STRUCTURE_SIZE = 16;
const IFLA_IFNAME = 3;
const IFLA_MTU = 4;
const IFLA_MASTER = 10;
const IFLA_TXQLEN = 13;
const IFLA_LINKINFO = 18;
const IFLA_EXT_MASK = 29;
const IFLA_INFO_KIND = 1;
const IFLA_INFO_DATA = 2;
const IFLA_TUN_PI = 4;
const RTEXT_FILTER_SKIP_STATS = 8;
const IFF_UP = 0x01;
const IFF_LOOPBACK = 0x08;
const IFF_POINTOPOINT = 0x10;
const IFF_RUNNING = 0x40;

export function findLinkRequest(name: string): NetlinkRequest {
  return new NetlinkRequest(Rtm.GETLINK, NLM_F_REQUEST | NLM_F_ACK, new Uint8Array(STRUCTURE_SIZE))
    .attributeText(IFLA_IFNAME, name);
}

/** All links, without their counters of packets: those are most of the answer. */
export function listLinksRequest(): NetlinkRequest {
  return new NetlinkRequest(
    Rtm.GETLINK,
    NLM_F_REQUEST | NLM_F_DUMP,
    new Uint8Array(STRUCTURE_SIZE),
  ).attribute32(IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS);
}

export function setUpRequest(link: number, up: boolean): NetlinkRequest {
  const structure = structureOf(link);
  set32le(structure, 8, up ? IFF_UP : 0);
  set32le(structure, 12, IFF_UP);
  return new NetlinkRequest(Rtm.NEWLINK, NLM_F_REQUEST | NLM_F_ACK, structure);
}

export function setMtuRequest(link: number, mtu: number): NetlinkRequest {
  return changeRequest(Rtm.NEWLINK, link).attribute32(IFLA_MTU, mtu);
}

export function setTxQueueLengthRequest(link: number, packets: number): NetlinkRequest {
  return changeRequest(Rtm.NEWLINK, link).attribute32(IFLA_TXQLEN, packets);
}

export function deleteLinkRequest(link: number): NetlinkRequest {
  return changeRequest(Rtm.DELLINK, link);
}

function changeRequest(type: number, link: number): NetlinkRequest {
  return new NetlinkRequest(type, NLM_F_REQUEST | NLM_F_ACK, structureOf(link));
}

function structureOf(link: number): Uint8Array {
  const structure = new Uint8Array(STRUCTURE_SIZE);
  set32le(structure, 4, link);
  return structure;
}

export function readLink({ bytes, at, end }: NetlinkMessage): LinkInfo {
  const attributes = readAttributes(bytes, at + STRUCTURE_SIZE, end);
  const flags = get32le(bytes, at + 8);
  const made = nestedAttributes(attributes.get(IFLA_LINKINFO));
  const kind = attributeText(made.get(IFLA_INFO_KIND));
  const master = attributeNumber(attributes.get(IFLA_MASTER));
  return {
    index: get32le(bytes, at + 4),
    name: attributeText(attributes.get(IFLA_IFNAME)),
    up: (flags & IFF_UP) !== 0,
    running: (flags & IFF_UP) !== 0 && (flags & IFF_RUNNING) !== 0,
    mtu: attributeNumber(attributes.get(IFLA_MTU)) ?? 0,
    txQueueLength: attributeNumber(attributes.get(IFLA_TXQLEN)) ?? 0,
    kind,
    loopback: (flags & IFF_LOOPBACK) !== 0,
    pointToPoint: (flags & IFF_POINTOPOINT) !== 0,
    ...(master === undefined ? {} : { master }),
    packetInformation: kind === "tun" &&
      nestedAttributes(made.get(IFLA_INFO_DATA)).get(IFLA_TUN_PI)?.[0] === 1,
  };
}
