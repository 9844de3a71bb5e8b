/** What tcpdump has written so far, as packets with their ends; the format is pcap's, on Ethernet. */

import { formatAddressAt } from "../../src/addr/address.ts";
import { get16, get32le } from "../../src/bytes.ts";
import { ExtensionWalk, IPV6_DESTINATION, IPV6_SOURCE } from "../../src/wire/ipv6.ts";
import {
  IPV4_DESTINATION,
  IPV4_FRAGMENT,
  IPV4_PROTOCOL,
  IPV4_SOURCE,
} from "../../src/wire/ipv4.ts";
import { ICMP, ICMPV6, TCP, UDP } from "../../src/wire/protocol.ts";

export interface Packet {
  /** A name, or the number of the protocol; `ether-…` for what is not IP. */
  readonly protocol: string;
  readonly family: 0 | 4 | 6;
  readonly source: string;
  readonly destination: string;
  /** 0 where there are none: in ICMP, and in all fragments but the first. */
  readonly sourcePort: number;
  readonly port: number;
  /** Of ICMP. */
  readonly type: number;
}

const FILE_HEADER = 24;
const RECORD_HEADER = 16;
const ETHERNET = 14;
const IPV4 = 0x0800;
const IPV6 = 0x86dd;
const ARP = 0x0806;
const NAMES: Readonly<Record<number, string>> = {
  [ICMP]: "icmp",
  [TCP]: "tcp",
  [UDP]: "udp",
  [ICMPV6]: "icmp6",
};
const NOWHERE = {
  family: 0,
  source: "",
  destination: "",
  sourcePort: 0,
  port: 0,
  type: 0,
} as const;

export interface Frame {
  readonly bytes: Uint8Array;
  readonly etherType: number;
}

/** The whole records of the file; the last one may still be being written. */
export function* framesIn(file: Uint8Array): Generator<Frame> {
  for (let at = FILE_HEADER; at + RECORD_HEADER <= file.length;) {
    const length = get32le(file, at + 8);
    at += RECORD_HEADER;
    if (at + length > file.length) return;
    const bytes = file.subarray(at, at + length);
    yield { bytes, etherType: get16(bytes, 12) };
    at += length;
  }
}

export function packetOf({ bytes, etherType }: Frame): Packet {
  if (etherType === IPV4) return ipv4(bytes);
  if (etherType === IPV6) return ipv6(bytes);
  const protocol = etherType === ARP ? "arp" : `ether-${etherType.toString(16)}`;
  return { ...NOWHERE, protocol };
}

function ipv4(bytes: Uint8Array): Packet {
  const first = (get16(bytes, ETHERNET + IPV4_FRAGMENT) & 0x1fff) === 0;
  const payloadAt = ETHERNET + (bytes[ETHERNET]! & 15) * 4;
  return {
    family: 4,
    source: formatAddressAt(bytes, ETHERNET + IPV4_SOURCE, 4),
    destination: formatAddressAt(bytes, ETHERNET + IPV4_DESTINATION, 4),
    ...inside(bytes, bytes[ETHERNET + IPV4_PROTOCOL]!, first ? payloadAt : bytes.length),
  };
}

function ipv6(bytes: Uint8Array): Packet {
  const walk = new ExtensionWalk();
  const walked = walk.walk(bytes, ETHERNET, bytes.length);
  // Behind a fragment header there are ports only at offset 0.
  const later = walk.fragmentAt >= 0 && (get16(bytes, walk.fragmentAt + 2) & 0xfff8) !== 0;
  return {
    family: 6,
    source: formatAddressAt(bytes, ETHERNET + IPV6_SOURCE, 16),
    destination: formatAddressAt(bytes, ETHERNET + IPV6_DESTINATION, 16),
    ...inside(bytes, walk.protocol, walked && !later ? walk.payloadAt : bytes.length),
  };
}

function inside(
  bytes: Uint8Array,
  protocol: number,
  at: number,
): Pick<Packet, "protocol" | "sourcePort" | "port" | "type"> {
  const whole = at + 4 <= bytes.length;
  const ports = whole && (protocol === TCP || protocol === UDP);
  const typed = whole && (protocol === ICMP || protocol === ICMPV6);
  return {
    protocol: NAMES[protocol] ?? String(protocol),
    sourcePort: ports ? get16(bytes, at) : 0,
    port: ports ? get16(bytes, at + 2) : 0,
    type: typed ? bytes[at]! : 0,
  };
}

/** `tcp 10.1.0.2 41234 > 203.0.113.10 80` */
export function packetText(packet: Packet): string {
  const { protocol, source, destination, sourcePort, port, type } = packet;
  if (packet.family === 0) return protocol;
  if (protocol.startsWith("icmp")) return `${protocol} ${source} > ${destination} type ${type}`;
  return `${protocol} ${source} ${sourcePort} > ${destination} ${port}`;
}
