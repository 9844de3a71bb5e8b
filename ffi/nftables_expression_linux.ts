/**
 * The expressions that nftables runs for a rule (`uapi/linux/netfilter/nf_tables.h`): each loads into a
 * register, compares one, or acts. The first that does not hold ends its rule.
 *
 * Registers are counted in words of 32 bits, 0 to 15.
 */

import { set32 } from "../src/bytes.ts";
import {
  type Attribute,
  attribute,
  attribute64,
  textAttribute,
} from "./netfilter_message_linux.ts";

/** An expression as the kernel takes it. */
export interface Expression {
  readonly name: string;
  readonly attributes: readonly Attribute[];
}

export const NfProto = { Ipv4: 2, Ipv6: 10 } as const;

/** `enum nft_meta_keys`. */
export const Meta = {
  Mark: 3,
  Iif: 4,
  Oif: 5,
  IifName: 6,
  OifName: 7,
  IifType: 8,
  OifType: 9,
  SkUid: 10,
  SkGid: 11,
  NfProto: 15,
  L4Proto: 16,
  Cgroup: 23,
} as const;

/** `enum nft_ct_keys`. */
export const Ct = { State: 0, Direction: 1, Status: 2, Mark: 3 } as const;

/** Where a payload's offset counts from. */
export const Base = { Network: 1, Transport: 2 } as const;

export const Compare = { Equal: 0, NotEqual: 1 } as const;

export const Verdict = { Drop: 0, Accept: 1, Jump: -3, Return: -5 } as const;

/** `enum nft_reject_inet_code`: one code for both IP versions. */
export const Icmpx = {
  "no-route": 0,
  "port-unreachable": 1,
  "host-unreachable": 2,
  "admin-prohibited": 3,
} as const;

const VERDICT_REGISTER = 0;
/** The four wide registers came first; every word has a number of its own since. */
const FIRST_WIDE_REGISTER = 1;
const FIRST_WORD_REGISTER = 8;

const DATA_VALUE = 1;
const DATA_VERDICT = 2;
const FIB_ADDRESS_TYPE = 3;
const FIB_OF_SOURCE = 1;
const FIB_OF_DESTINATION = 2;
const SOCKET_CGROUPV2 = 3;
const OBJECT_COUNTER = 1;
const REJECT_TCP_RESET = 1;
const REJECT_ICMPX = 2;
const NAT_DESTINATION = 1;
/** NF_NAT_RANGE_PROTO_SPECIFIED */
const NAT_PORT_GIVEN = 2;
const TCP_OPTION = 1;
const TCP_OPTION_MSS = 2;
const RT_TCP_MSS = 3;

function register(word: number): number {
  return word % 4 === 0 ? FIRST_WIDE_REGISTER + word / 4 : FIRST_WORD_REGISTER + word;
}

function expression(name: string, ...attributes: Attribute[]): Expression {
  return { name, attributes };
}

function data(type: number, value: Uint8Array): Attribute {
  return attribute(type, [attribute(DATA_VALUE, value)]);
}

export function metaLoad(key: number, word: number): Expression {
  return expression("meta", attribute(2, key), attribute(1, register(word)));
}

export function metaStore(key: number, word: number): Expression {
  return expression("meta", attribute(2, key), attribute(3, register(word)));
}

export function ctLoad(key: number, word: number): Expression {
  return expression("ct", attribute(2, key), attribute(1, register(word)));
}

export function ctStore(key: number, word: number): Expression {
  return expression("ct", attribute(2, key), attribute(4, register(word)));
}

export function payloadLoad(base: number, offset: number, size: number, word: number): Expression {
  return expression(
    "payload",
    attribute(1, register(word)),
    attribute(2, base),
    attribute(3, offset),
    attribute(4, size),
  );
}

/** The kind of the destination address (RTN_LOCAL …), as a route lookup finds it. */
export function fibDestinationType(word: number): Expression {
  return fibType(word, FIB_OF_DESTINATION);
}

/** The same of the source address. */
export function fibSourceType(word: number): Expression {
  return fibType(word, FIB_OF_SOURCE);
}

function fibType(word: number, of: number): Expression {
  return expression(
    "fib",
    attribute(1, register(word)),
    attribute(2, FIB_ADDRESS_TYPE),
    attribute(3, of),
  );
}

/** The id of the ancestor at `level` of the cgroup that the packet's socket was made in. */
export function socketCgroup(level: number, word: number): Expression {
  return expression(
    "socket",
    attribute(1, SOCKET_CGROUPV2),
    attribute(2, register(word)),
    attribute(3, level),
  );
}

/** The largest TCP segment that the packet's route carries, in host order. */
export function routeMss(word: number): Expression {
  return expression("rt", attribute(1, register(word)), attribute(2, RT_TCP_MSS));
}

export function compare(operator: number, word: number, value: Uint8Array): Expression {
  return expression("cmp", attribute(1, register(word)), attribute(2, operator), data(3, value));
}

/** Holds when the value, in network order, lies between both or, asked for the opposite, does not. */
export function range(
  operator: number,
  word: number,
  from: Uint8Array,
  to: Uint8Array,
): Expression {
  return expression(
    "range",
    attribute(1, register(word)),
    attribute(2, operator),
    data(3, from),
    data(4, to),
  );
}

/** `register = (register & mask) ^ flip` */
export function bitwise(word: number, mask: Uint8Array, flip: Uint8Array): Expression {
  return expression(
    "bitwise",
    attribute(1, register(word)),
    attribute(2, register(word)),
    attribute(3, mask.length),
    data(4, mask),
    data(5, flip),
  );
}

/** Turns a number from host into network order. */
export function toNetworkOrder(word: number, size: number): Expression {
  return expression(
    "byteorder",
    attribute(1, register(word)),
    attribute(2, register(word)),
    attribute(3, 1),
    attribute(4, size),
    attribute(5, size),
  );
}

export function immediate(word: number, value: Uint8Array): Expression {
  return expression("immediate", attribute(1, register(word)), data(2, value));
}

export function verdict(code: number, chain?: string): Expression {
  const parts = [attribute(1, code)];
  if (chain !== undefined) parts.push(textAttribute(2, chain));
  return expression(
    "immediate",
    attribute(1, VERDICT_REGISTER),
    attribute(2, [attribute(DATA_VERDICT, parts)]),
  );
}

/** Holds when the registers from the first on are in the set; `id` finds a set of the same batch. */
export function lookup(set: string, id: number, word: number, inverted: boolean): Expression {
  return expression(
    "lookup",
    textAttribute(1, set),
    attribute(2, register(word)),
    attribute(4, id),
    ...inverted ? [attribute(5, 1)] : [],
  );
}

export function counter(): Expression {
  return expression("counter", attribute64(1, 0), attribute64(2, 0));
}

export function namedCounter(name: string): Expression {
  return expression("objref", attribute(1, OBJECT_COUNTER), textAttribute(2, name));
}

export interface Limit {
  readonly rate: number;
  readonly seconds: number;
  readonly burst: number;
  /** Holds for what is above the rate instead. */
  readonly over: boolean;
}

export function limit({ rate, seconds, burst, over }: Limit): Expression {
  return expression(
    "limit",
    attribute64(1, rate),
    attribute64(2, seconds),
    attribute(3, burst),
    attribute(4, 0),
    attribute(5, over ? 1 : 0),
  );
}

export function rejectTcp(): Expression {
  return expression("reject", attribute(1, REJECT_TCP_RESET), attribute(2, octet(0)));
}

export function rejectIcmpx(code: number): Expression {
  return expression("reject", attribute(1, REJECT_ICMPX), attribute(2, octet(code)));
}

export function masquerade(): Expression {
  return expression("masq");
}

/** To this host's own port, which is in the register. */
export function redirect(portWord: number): Expression {
  return expression("redir", attribute(1, register(portWord)), attribute(3, NAT_PORT_GIVEN));
}

/** To the address, and where given the port, in the registers. */
export function destinationNat(
  family: number,
  addressWord: number,
  portWord: number | undefined,
): Expression {
  const port = portWord === undefined
    ? []
    : [attribute(5, register(portWord)), attribute(7, NAT_PORT_GIVEN)];
  return expression(
    "nat",
    attribute(1, NAT_DESTINATION),
    attribute(2, family),
    attribute(3, register(addressWord)),
    ...port,
  );
}

/** Writes the register into the maximum segment size of a SYN; the kernel never raises it. */
export function storeMss(word: number): Expression {
  return expression(
    "exthdr",
    attribute(2, octet(TCP_OPTION_MSS)),
    attribute(3, 2),
    attribute(4, 2),
    attribute(6, TCP_OPTION),
    attribute(7, register(word)),
  );
}

function octet(value: number): Uint8Array {
  return Uint8Array.of(value);
}

/** A number as a register holds it in network order. */
export function networkOrder32(value: number): Uint8Array {
  const octets = new Uint8Array(4);
  set32(octets, 0, value);
  return octets;
}
