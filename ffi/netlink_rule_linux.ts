/** Policy rules in rtnetlink: `struct fib_rule_hdr` and its attributes (`uapi/linux/fib_rules.h`). */

import type { Prefix } from "../src/addr/prefix.ts";
import { get16le, get32le, set16le, set32le } from "../src/bytes.ts";
import { type Fields, fieldsOf } from "./netlink_fields_linux.ts";
import {
  attributeNumber,
  attributePrefix,
  attributeText,
  defined,
  type NetlinkMessage,
  NetlinkRequest,
  readAttributes,
} from "./netlink_message_linux.ts";
import {
  AF_INET,
  AF_INET6,
  ipFamily,
  NLM_F_ACK,
  NLM_F_CREATE_EXCL,
  NLM_F_DUMP,
  NLM_F_REQUEST,
  RT_TABLE_MAIN,
  Rtm,
  RTPROT_STATIC,
} from "./netlink_numbers_linux.ts";
import type { IpFamily, NumberRange, PolicyRule, RuleAction } from "./types.ts";

const STRUCTURE_SIZE = 12;
const FRA_DST = 1;
const FRA_SRC = 2;
const FRA_IIFNAME = 3;
const FRA_PRIORITY = 6;
const FRA_FWMARK = 10;
const FRA_SUPPRESS_IFGROUP = 13;
const FRA_SUPPRESS_PREFIXLEN = 14;
const FRA_TABLE = 15;
const FRA_FWMASK = 16;
const FRA_OIFNAME = 17;
const FRA_PAD = 18;
const FRA_UID_RANGE = 20;
const FRA_PROTOCOL = 21;
const FRA_IP_PROTO = 22;
const FRA_SPORT_RANGE = 23;
const FRA_DPORT_RANGE = 24;
const FRA_SPORT_MASK = 28;
const FRA_DPORT_MASK = 29;
const FIB_RULE_INVERT = 2;
const ALL_BITS = 0xffff_ffff;
/** How the kernel says that nothing is suppressed. */
const SUPPRESS_NOTHING = 0xffff_ffff;

const known = new Set([
  ...[FRA_DST, FRA_SRC, FRA_IIFNAME, FRA_PRIORITY, FRA_FWMARK, FRA_SUPPRESS_IFGROUP],
  ...[FRA_SUPPRESS_PREFIXLEN, FRA_TABLE, FRA_FWMASK, FRA_OIFNAME, FRA_PAD, FRA_UID_RANGE],
  ...[FRA_PROTOCOL, FRA_IP_PROTO, FRA_SPORT_RANGE, FRA_DPORT_RANGE],
  ...[FRA_SPORT_MASK, FRA_DPORT_MASK],
]);

const actions = {
  lookup: 1,
  goto: 2,
  nop: 3,
  blackhole: 6,
  unreachable: 7,
  prohibit: 8,
} as const satisfies Record<RuleAction, number>;
const actionNames = new Map<number, RuleAction>(
  Object.entries(actions).map(([name, number]) => [number, name as RuleAction]),
);

export function addRuleRequest(rule: PolicyRule): NetlinkRequest {
  return ruleRequest(Rtm.NEWRULE, NLM_F_CREATE_EXCL, rule);
}

export function deleteRuleRequest(rule: PolicyRule): NetlinkRequest {
  return ruleRequest(Rtm.DELRULE, 0, rule);
}

function ruleRequest(type: number, flags: number, rule: PolicyRule): NetlinkRequest {
  const structure = new Uint8Array(STRUCTURE_SIZE);
  structure[0] = rule.family === 4 ? AF_INET : AF_INET6;
  structure[1] = rule.to?.length ?? 0;
  structure[2] = rule.from?.length ?? 0;
  structure[7] = actions[rule.action ?? "lookup"];
  set32le(structure, 8, rule.invert ? FIB_RULE_INVERT : 0);
  const request = new NetlinkRequest(type, NLM_F_REQUEST | NLM_F_ACK | flags, structure)
    .attribute32(FRA_PRIORITY, rule.priority)
    .attribute(FRA_PROTOCOL, new Uint8Array([rule.protocol ?? RTPROT_STATIC]));
  const table = tableOf(rule);
  if (table !== undefined) request.attribute32(FRA_TABLE, table);
  if (rule.suppressPrefixLength !== undefined) {
    request.attribute32(FRA_SUPPRESS_PREFIXLEN, rule.suppressPrefixLength);
  }
  addSelectors(request, rule);
  return request;
}

function addSelectors(request: NetlinkRequest, rule: PolicyRule): void {
  const { from, to, mark, uids, ipProtocol, sourcePorts, destinationPorts } = rule;
  if (to !== undefined && to.length > 0) request.attribute(FRA_DST, to.address);
  if (from !== undefined && from.length > 0) request.attribute(FRA_SRC, from.address);
  if (mark !== undefined) {
    request.attribute32(FRA_FWMARK, mark).attribute32(FRA_FWMASK, rule.mask ?? ALL_BITS);
  }
  if (rule.inputLink !== undefined) request.attributeText(FRA_IIFNAME, rule.inputLink);
  if (rule.outputLink !== undefined) request.attributeText(FRA_OIFNAME, rule.outputLink);
  if (uids !== undefined) request.attribute(FRA_UID_RANGE, wideRange(uids));
  if (ipProtocol !== undefined) request.attribute(FRA_IP_PROTO, new Uint8Array([ipProtocol]));
  if (sourcePorts !== undefined) request.attribute(FRA_SPORT_RANGE, range(sourcePorts));
  if (destinationPorts !== undefined) request.attribute(FRA_DPORT_RANGE, range(destinationPorts));
}

function wideRange({ first, last }: NumberRange): Uint8Array {
  const octets = new Uint8Array(8);
  set32le(octets, 0, first);
  set32le(octets, 4, last);
  return octets;
}

function range({ first, last }: NumberRange): Uint8Array {
  const octets = new Uint8Array(4);
  set16le(octets, 0, first);
  set16le(octets, 2, last);
  return octets;
}

export function listRulesRequest(family: IpFamily): NetlinkRequest {
  const structure = new Uint8Array(STRUCTURE_SIZE);
  structure[0] = family === 4 ? AF_INET : AF_INET6;
  return new NetlinkRequest(Rtm.GETRULE, NLM_F_REQUEST | NLM_F_DUMP, structure);
}

export function readRule({ bytes, at, end }: NetlinkMessage): PolicyRule | undefined {
  const family = ipFamily(bytes[at]!);
  const action = actionNames.get(bytes[at + 7]!);
  if (family === undefined || action === undefined) return undefined;
  const attributes = readAttributes(bytes, at + STRUCTURE_SIZE, end);
  const number = (type: number) => attributeNumber(attributes.get(type));
  const name = (type: number) => attributeText(attributes.get(type)) || undefined;
  const mask = number(FRA_FWMASK);
  const suppressed = number(FRA_SUPPRESS_PREFIXLEN);
  const uids = attributes.get(FRA_UID_RANGE);
  return defined<PolicyRule>({
    family,
    priority: number(FRA_PRIORITY) ?? 0,
    action,
    table: action === "lookup" ? number(FRA_TABLE) ?? bytes[at + 4]! : undefined,
    invert: (get32le(bytes, at + 8) & FIB_RULE_INVERT) !== 0 || undefined,
    from: attributePrefix(attributes.get(FRA_SRC), bytes[at + 2]!),
    to: attributePrefix(attributes.get(FRA_DST), bytes[at + 1]!),
    // The kernel does not list a mark of zero.
    mark: mask === undefined ? undefined : number(FRA_FWMARK) ?? 0,
    mask,
    inputLink: name(FRA_IIFNAME),
    outputLink: name(FRA_OIFNAME),
    uids: uids?.length === 8 ? { first: get32le(uids, 0), last: get32le(uids, 4) } : undefined,
    ipProtocol: attributes.get(FRA_IP_PROTO)?.[0],
    sourcePorts: rangeOf(attributes.get(FRA_SPORT_RANGE)),
    destinationPorts: rangeOf(attributes.get(FRA_DPORT_RANGE)),
    suppressPrefixLength: suppressed === SUPPRESS_NOTHING ? undefined : suppressed,
    protocol: attributes.get(FRA_PROTOCOL)?.[0] ?? 0,
    more: asksForMore(attributes, bytes[at + 3]!) || undefined,
  });
}

function rangeOf(value: Uint8Array | undefined): NumberRange | undefined {
  return value?.length === 4 ? { first: get16le(value, 0), last: get16le(value, 2) } : undefined;
}

/** A rule of somebody else's: by type of service, realm, group of links and whatever comes later. */
function asksForMore(attributes: Map<number, Uint8Array>, tos: number): boolean {
  const group = attributeNumber(attributes.get(FRA_SUPPRESS_IFGROUP)) ?? SUPPRESS_NOTHING;
  // Said of every single port since Linux 6.15.
  const masked = [FRA_SPORT_MASK, FRA_DPORT_MASK].some((type) => {
    const mask = attributes.get(type);
    return mask !== undefined && mask.some((octet) => octet !== 0xff);
  });
  return tos !== 0 || group !== SUPPRESS_NOTHING || masked ||
    [...attributes.keys()].some((type) => !known.has(type));
}

/** What tells a rule from others: what is left out counts as what the kernel makes of it. */
export function ruleFields(rule: PolicyRule): Fields {
  const span = (range?: NumberRange) => range && `${range.first}-${range.last}`;
  const network = (prefix?: Prefix) =>
    prefix && prefix.length > 0 ? `${prefix.address}/${prefix.length}` : undefined;
  return fieldsOf({
    ...{ family: rule.family, priority: rule.priority, action: rule.action ?? "lookup" },
    ...{ table: tableOf(rule), invert: rule.invert, more: rule.more },
    ...{ from: network(rule.from), to: network(rule.to) },
    ...{ mark: rule.mark, mask: rule.mark === undefined ? undefined : rule.mask ?? ALL_BITS },
    ...{ inputLink: rule.inputLink, outputLink: rule.outputLink, uids: span(rule.uids) },
    ...{ ipProtocol: rule.ipProtocol, protocol: rule.protocol ?? RTPROT_STATIC },
    ...{ sourcePorts: span(rule.sourcePorts), destinationPorts: span(rule.destinationPorts) },
    // Zero says something here.
    suppress: rule.suppressPrefixLength === undefined ? undefined : `${rule.suppressPrefixLength}`,
  });
}

/** What the kernel does not look at in the request to delete a rule. */
export const IGNORED_IN_RULE_DELETE: readonly string[] = ["invert", "more"];

function tableOf({ action = "lookup", table = RT_TABLE_MAIN }: PolicyRule): number | undefined {
  return action === "lookup" ? table : undefined;
}
