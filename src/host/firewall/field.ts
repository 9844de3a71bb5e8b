/**
 * What of a packet a rule may ask about: how `nft` writes it, and how the kernel loads it.
 *
 * Most numbers of the kernel's own are in host order in its registers; what stands in packets is in
 * network order.
 */

import {
  Base,
  Ct,
  ctLoad,
  type Expression,
  fibDestinationType,
  fibSourceType,
  Meta,
  metaLoad,
  NfProto,
  payloadLoad,
} from "../../../ffi/nftables_expression_linux.ts";
import { set16, set16le, set32, set32le } from "../../bytes.ts";
import { formatAddress } from "../../addr/address.ts";

/** A number or its name, the name of an interface, or an address. */
export type Scalar = number | string | Uint8Array;

export const Protocol = { icmp: 1, tcp: 6, udp: 17, "ipv6-icmp": 58 } as const;

/** What must hold of a packet for a field to be there. */
export interface Needs {
  readonly family?: number;
  readonly protocol?: number;
}

interface FieldInfo extends Needs {
  readonly size: number;
  readonly order: "host" | "network";
  /** The type of a set of it, in words and in the number by which `nft` knows it. */
  readonly setType: string;
  readonly keyType: number;
  readonly names?: Readonly<Record<string, number>>;
  /** Printed as `nft` prints it. */
  readonly hex?: boolean;
  load(word: number): Expression;
}

const FAMILY_NAMES = { ipv4: NfProto.Ipv4, ipv6: NfProto.Ipv6 };
const STATE_NAMES = { invalid: 1, established: 2, related: 4, new: 8, untracked: 64 };
const STATUS_NAMES = { snat: 0x10, dnat: 0x20 };
const TCP_FLAG_NAMES = { fin: 1, syn: 2, rst: 4, psh: 8, ack: 16, urg: 32 };
const ICMP_NAMES = { "echo-request": 8 };
const ICMP6_NAMES = {
  "nd-router-solicit": 133,
  "nd-router-advert": 134,
  "nd-neighbor-solicit": 135,
  "nd-neighbor-advert": 136,
};
const ADDRESS_KINDS = { unicast: 1, local: 2, broadcast: 3, multicast: 5 };

type Part = Pick<FieldInfo, "setType" | "keyType" | "names" | "hex">;

function meta(key: number, size: number, part: Part): FieldInfo {
  return { size, order: "host", load: (word) => metaLoad(key, word), ...part };
}

function ct(key: number, size: number, part: Part): FieldInfo {
  return { size, order: "host", load: (word) => ctLoad(key, word), ...part };
}

function header(base: number, offset: number, size: number, part: Part & Needs): FieldInfo {
  return {
    size,
    order: "network",
    load: (word) => payloadLoad(base, offset, size, word),
    ...part,
  };
}

const MARK = { setType: "mark", keyType: 19, hex: true };
const INTERFACE = { setType: "iface_index", keyType: 20 };
const INTERFACE_NAME = { setType: "ifname", keyType: 41 };
const INTERFACE_TYPE = { setType: "iface_type", keyType: 21 };
const PORT = { setType: "inet_service", keyType: 13 };
const IPV4 = { setType: "ipv4_addr", keyType: 7, family: NfProto.Ipv4 };
const IPV6 = { setType: "ipv6_addr", keyType: 8, family: NfProto.Ipv6 };
const TCP = { protocol: Protocol.tcp };
const UDP = { protocol: Protocol.udp };

export const FIELDS = {
  "meta nfproto": meta(Meta.NfProto, 1, {
    setType: "nf_proto",
    keyType: 2,
    names: FAMILY_NAMES,
  }),
  "meta l4proto": meta(Meta.L4Proto, 1, {
    setType: "inet_proto",
    keyType: 12,
    names: Protocol,
  }),
  "meta mark": meta(Meta.Mark, 4, MARK),
  "meta skuid": meta(Meta.SkUid, 4, { setType: "uid", keyType: 24 }),
  "meta skgid": meta(Meta.SkGid, 4, { setType: "gid", keyType: 25 }),
  "meta cgroup": meta(Meta.Cgroup, 4, { setType: "cgroup", keyType: 4 }),
  "iif": meta(Meta.Iif, 4, INTERFACE),
  "oif": meta(Meta.Oif, 4, INTERFACE),
  "iifname": meta(Meta.IifName, 16, INTERFACE_NAME),
  "oifname": meta(Meta.OifName, 16, INTERFACE_NAME),
  "iiftype": meta(Meta.IifType, 2, INTERFACE_TYPE),
  "oiftype": meta(Meta.OifType, 2, INTERFACE_TYPE),
  "ct state": ct(Ct.State, 4, { setType: "ct_state", keyType: 26, names: STATE_NAMES }),
  "ct status": ct(Ct.Status, 4, { setType: "ct_status", keyType: 28, names: STATUS_NAMES }),
  "ct mark": ct(Ct.Mark, 4, MARK),
  "ct direction": ct(Ct.Direction, 1, {
    setType: "ct_dir",
    keyType: 27,
    names: { original: 0, reply: 1 },
  }),
  "ip saddr": header(Base.Network, 12, 4, IPV4),
  "ip daddr": header(Base.Network, 16, 4, IPV4),
  "ip6 saddr": header(Base.Network, 8, 16, IPV6),
  "ip6 daddr": header(Base.Network, 24, 16, IPV6),
  "th sport": header(Base.Transport, 0, 2, PORT),
  "th dport": header(Base.Transport, 2, 2, PORT),
  "tcp sport": header(Base.Transport, 0, 2, { ...PORT, ...TCP }),
  "tcp dport": header(Base.Transport, 2, 2, { ...PORT, ...TCP }),
  "udp sport": header(Base.Transport, 0, 2, { ...PORT, ...UDP }),
  "udp dport": header(Base.Transport, 2, 2, { ...PORT, ...UDP }),
  "tcp flags": header(Base.Transport, 13, 1, {
    setType: "tcp_flag",
    keyType: 15,
    names: TCP_FLAG_NAMES,
    ...TCP,
  }),
  "icmp type": header(Base.Transport, 0, 1, {
    setType: "icmp_type",
    keyType: 14,
    names: ICMP_NAMES,
    family: NfProto.Ipv4,
    protocol: Protocol.icmp,
  }),
  "icmpv6 type": header(Base.Transport, 0, 1, {
    setType: "icmpv6_type",
    keyType: 29,
    names: ICMP6_NAMES,
    family: NfProto.Ipv6,
    protocol: Protocol["ipv6-icmp"],
  }),
  "fib daddr type": {
    size: 4,
    order: "host",
    setType: "fib_addrtype",
    keyType: 38,
    names: ADDRESS_KINDS,
    load: fibDestinationType,
  },
  "fib saddr type": {
    size: 4,
    order: "host",
    setType: "fib_addrtype",
    keyType: 38,
    names: ADDRESS_KINDS,
    load: fibSourceType,
  },
} satisfies Record<string, FieldInfo>;

export type Field = keyof typeof FIELDS;

export function fieldInfo(field: Field): FieldInfo {
  return FIELDS[field];
}

/** True for a name that stands for all interfaces that begin so. */
export function isPattern(name: Scalar): name is string {
  return typeof name === "string" && name.endsWith("*");
}

/** The value as the field's register has it. A pattern is as long as what must be the same. */
export function encodeValue(field: Field, value: Scalar): Uint8Array {
  if (value instanceof Uint8Array) return value;
  const { size, order, names } = fieldInfo(field);
  if (typeof value === "number") return encodeNumber(value, size, order);
  const named = names?.[value];
  if (named !== undefined) return encodeNumber(named, size, order);
  if (size !== 16) throw new TypeError(`Cannot find "${value}" among the values of ${field}`);
  return encodeName(value, size);
}

export function encodeNumber(value: number, size: number, order: "host" | "network"): Uint8Array {
  const octets = new Uint8Array(size);
  if (size === 1) octets[0] = value;
  else if (size === 2) (order === "host" ? set16le : set16)(octets, 0, value);
  else (order === "host" ? set32le : set32)(octets, 0, value);
  return octets;
}

function encodeName(name: string, size: number): Uint8Array {
  const pattern = isPattern(name);
  const letters = new TextEncoder().encode(pattern ? name.slice(0, -1) : name);
  if (letters.length === 0 || letters.length >= size) {
    throw new RangeError(`Cannot be the name of an interface: "${name}"`);
  }
  if (pattern) return letters;
  const octets = new Uint8Array(size);
  octets.set(letters);
  return octets;
}

/** The value as `nft` reads it. */
export function formatValue(field: Field, value: Scalar): string {
  const { names, hex, setType } = fieldInfo(field);
  if (value instanceof Uint8Array) return formatAddress(value);
  if (typeof value === "string") return setType === "ifname" ? `"${value}"` : value;
  const name = Object.entries(names ?? {}).find(([, number]) => number === value)?.[0];
  return name ?? (hex ? `0x${value.toString(16).padStart(8, "0")}` : String(value));
}

/** The names of the bits that are set, as one value for `nft`. */
export function formatFlags(field: Field, bits: number): string {
  const names = fieldInfo(field).names;
  if (names === undefined) return formatValue(field, bits);
  const set = Object.entries(names).filter(([, bit]) => (bits & bit) !== 0).map(([name]) => name);
  return set.length === 1 ? set[0]! : `(${set.join(" | ")})`;
}
