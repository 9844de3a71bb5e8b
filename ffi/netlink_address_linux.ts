/** Addresses of links in rtnetlink: `struct ifaddrmsg` and its attributes. */

import { get32le, set32le } from "../src/bytes.ts";
import {
  attributeNumber,
  type NetlinkMessage,
  NetlinkRequest,
  readAttributes,
} from "./netlink_message_linux.ts";
import {
  AF_INET6,
  familyOfLength,
  ipFamily,
  NLM_F_ACK,
  NLM_F_CREATE_EXCL,
  NLM_F_DUMP,
  NLM_F_REQUEST,
  Rtm,
} from "./netlink_numbers_linux.ts";
import type { AddressScope, LinkAddress } from "./types.ts";

const STRUCTURE_SIZE = 8;
const IFA_ADDRESS = 1;
const IFA_LOCAL = 2;
const IFA_FLAGS = 8;
/** Of IPv6. The same bit says of an IPv4 address that it is not the first of its network. */
const IFA_F_TEMPORARY = 0x01;
const IFA_F_NODAD = 0x02;
const IFA_F_DADFAILED = 0x08;
const IFA_F_DEPRECATED = 0x20;
const IFA_F_TENTATIVE = 0x40;
const IFA_F_NOPREFIXROUTE = 0x200;

const scopes = { global: 0, site: 200, link: 253, host: 254, nowhere: 255 } as const;
const scopeNames = new Map<number, AddressScope>(
  Object.entries(scopes).map(([name, number]) => [number, name as AddressScope]),
);

export function addAddressRequest(address: LinkAddress): NetlinkRequest {
  const { link, prefix, scope = "global", noPrefixRoute = false } = address;
  const structure = new Uint8Array(STRUCTURE_SIZE);
  structure[0] = familyOfLength(prefix.address.length);
  structure[1] = prefix.length;
  structure[3] = scopes[scope];
  set32le(structure, 4, link);
  const flags = (structure[0] === AF_INET6 ? IFA_F_NODAD : 0) +
    (noPrefixRoute ? IFA_F_NOPREFIXROUTE : 0);
  return new NetlinkRequest(
    Rtm.NEWADDR,
    NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE_EXCL,
    structure,
  )
    .attribute(IFA_LOCAL, prefix.address)
    .attribute(IFA_ADDRESS, prefix.address)
    .attribute32(IFA_FLAGS, flags);
}

export function listAddressesRequest(): NetlinkRequest {
  return new NetlinkRequest(
    Rtm.GETADDR,
    NLM_F_REQUEST | NLM_F_DUMP,
    new Uint8Array(STRUCTURE_SIZE),
  );
}

export function readAddress({ bytes, at, end }: NetlinkMessage): LinkAddress | undefined {
  const attributes = readAttributes(bytes, at + STRUCTURE_SIZE, end);
  // IPv4 names its own end LOCAL and the peer ADDRESS; IPv6 mostly has ADDRESS alone.
  const address = attributes.get(IFA_LOCAL) ?? attributes.get(IFA_ADDRESS);
  const family = ipFamily(bytes[at]!);
  if (address === undefined || family === undefined) return undefined;
  const flags = attributeNumber(attributes.get(IFA_FLAGS)) ?? bytes[at + 2]!;
  const has = (flag: number) => (flags & flag) !== 0;
  return {
    link: get32le(bytes, at + 4),
    prefix: { address, length: bytes[at + 1]! },
    // An administrator's own numbers lie between the named ones.
    scope: scopeNames.get(bytes[at + 3]!) ?? "site",
    noPrefixRoute: has(IFA_F_NOPREFIXROUTE),
    tentative: has(IFA_F_TENTATIVE),
    duplicate: has(IFA_F_DADFAILED),
    deprecated: has(IFA_F_DEPRECATED),
    temporary: family === 6 && has(IFA_F_TEMPORARY),
  };
}
