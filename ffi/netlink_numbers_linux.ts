/**
 * Numbers that all requests of rtnetlink share (`uapi/linux/netlink.h`, `uapi/linux/rtnetlink.h`).
 */

import type { IpFamily } from "./types.ts";

export const AF_INET = 2;
export const AF_INET6 = 10;

export const NLM_F_REQUEST = 0x01;
export const NLM_F_ACK = 0x04;
/** In a dump: what is listed has changed since it began. */
export const NLM_F_DUMP_INTERRUPTED = 0x10;
export const NLM_F_DUMP = 0x300;
export const NLM_F_CREATE_EXCL = 0x600;
export const NLM_F_ACK_TLVS = 0x200;

/** Types of messages, named as in the manual without their RTM_. */
export const Rtm = {
  NEWLINK: 16,
  DELLINK: 17,
  GETLINK: 18,
  NEWADDR: 20,
  DELADDR: 21,
  GETADDR: 22,
  NEWROUTE: 24,
  DELROUTE: 25,
  GETROUTE: 26,
  NEWRULE: 32,
  DELRULE: 33,
  GETRULE: 34,
} as const;

const names = new Map<number, string>(
  Object.entries(Rtm).map(([name, type]) => [type, `RTM_${name}`]),
);

export function messageName(type: number): string {
  return names.get(type) ?? `message ${type}`;
}

/** Who made a route or rule that does not say: an administrator. */
export const RTPROT_STATIC = 4;
export const RT_TABLE_MAIN = 254;

/** The number of the family of an address with so many octets. */
export function familyOfLength(octets: number): number {
  return octets === 4 ? AF_INET : AF_INET6;
}

/** The IP family of that number; undefined for what is not IP, such as multicast routing. */
export function ipFamily(number: number): IpFamily | undefined {
  return number === AF_INET ? 4 : number === AF_INET6 ? 6 : undefined;
}
