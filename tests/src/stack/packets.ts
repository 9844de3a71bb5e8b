/** Packets written by hand for the tests, and read back: plain code that shares nothing with the stack. */

import { referenceSum, referenceUpperSum } from "../../reference/checksum.ts";

export const HOST4 = new Uint8Array([10, 0, 0, 2]);
export const FAR4 = new Uint8Array([93, 184, 216, 34]);
export const HOST6 = new Uint8Array([0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2]);
export const FAR6 = new Uint8Array([0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 7]);

export interface IpFields {
  readonly source: Uint8Array;
  readonly destination: Uint8Array;
  readonly protocol: number;
  readonly payload: Uint8Array;
  readonly hopLimit?: number;
  /** Of a fragment: the offset in bytes, whether more follow, and the id. */
  readonly fragment?: { offset: number; more: boolean; id: number };
  /** IPv6: what stands between the fixed header and the payload; its first byte is the next header. */
  readonly extensions?: { first: number; bytes: Uint8Array };
}

export function join(...parts: (Uint8Array | number[])[]): Uint8Array {
  return new Uint8Array(parts.flatMap((part) => [...part]));
}

export function be16(value: number): number[] {
  return [(value >>> 8) & 255, value & 255];
}

export function be32(value: number): number[] {
  return [value >>> 24, (value >>> 16) & 255, (value >>> 8) & 255, value & 255];
}

export function ipPacket(fields: IpFields): Uint8Array {
  return fields.source.length === 4 ? ipv4Packet(fields) : ipv6Packet(fields);
}

function ipv4Packet(fields: IpFields): Uint8Array {
  const { source, destination, protocol, payload, hopLimit = 64, fragment } = fields;
  const position = fragment === undefined
    ? 0x4000
    : (fragment.more ? 0x2000 : 0) | (fragment.offset / 8);
  const header = join(
    [0x45, 0],
    be16(20 + payload.length),
    be16(fragment?.id ?? 0),
    be16(position),
    [hopLimit, protocol, 0, 0],
    source,
    destination,
  );
  header.set(be16(0xffff - referenceSum(header, 0, 20)), 10);
  return join(header, payload);
}

function ipv6Packet(fields: IpFields): Uint8Array {
  const { source, destination, protocol, payload, hopLimit = 64, fragment, extensions } = fields;
  let body: Uint8Array = payload;
  let next = protocol;
  if (fragment !== undefined) {
    const position = fragment.offset | (fragment.more ? 1 : 0);
    body = join([protocol, 0], be16(position), be32(fragment.id), payload);
    next = 44;
  }
  if (extensions !== undefined) {
    body = join(extensions.bytes, body);
    next = extensions.first;
  }
  return join([0x60, 0, 0, 0], be16(body.length), [next, hopLimit], source, destination, body);
}

/** A whole packet of TCP, UDP or ICMPv6 with the checksum filled in at `checksumAt` of the upper part. */
export function summedPacket(
  fields: Omit<IpFields, "payload">,
  upper: Uint8Array,
  checksumAt: number,
): Uint8Array {
  return ipPacket({ ...fields, payload: summed(fields, upper, checksumAt) });
}

export function summed(
  fields: { source: Uint8Array; destination: Uint8Array; protocol: number },
  upper: Uint8Array,
  checksumAt: number,
): Uint8Array {
  const result = upper.slice();
  result.set([0, 0], checksumAt);
  result.set(be16(0xffff - upperSum(fields, result)), checksumAt);
  return result;
}

/** ICMP over IPv4 is the one that sums no pseudo-header. */
function upperSum(
  ip: { source: Uint8Array; destination: Uint8Array; protocol: number },
  bytes: Uint8Array,
): number {
  const { source, destination, protocol } = ip;
  return protocol === 1
    ? referenceSum(bytes, 0, bytes.length)
    : referenceUpperSum({ source, destination, protocol, bytes });
}

export function udpPacket(
  source: Uint8Array,
  destination: Uint8Array,
  sourcePort: number,
  destinationPort: number,
  payload: Uint8Array,
): Uint8Array {
  const upper = join(
    be16(sourcePort),
    be16(destinationPort),
    be16(8 + payload.length),
    [0, 0],
    payload,
  );
  return summedPacket({ source, destination, protocol: 17 }, upper, 6);
}

export interface ReadIp {
  readonly source: Uint8Array;
  readonly destination: Uint8Array;
  readonly protocol: number;
  readonly payload: Uint8Array;
  readonly hopLimit: number;
}

/** Reads a whole packet without extensions, and insists on its lengths and checksums. */
export function readIp(packet: Uint8Array): ReadIp {
  const ipv4 = packet[0]! >> 4 === 4;
  const view = new DataView(packet.buffer, packet.byteOffset, packet.byteLength);
  const header = ipv4 ? 20 : 40;
  const length = ipv4 ? view.getUint16(2) : 40 + view.getUint16(4);
  if (length !== packet.length) throw new Error(`the length says ${length} of ${packet.length}`);
  if (ipv4 && referenceSum(packet, 0, 20) !== 0xffff) {
    throw new Error("the header's checksum");
  }
  const result = {
    source: packet.slice(ipv4 ? 12 : 8, ipv4 ? 16 : 24),
    destination: packet.slice(ipv4 ? 16 : 24, header),
    protocol: packet[ipv4 ? 9 : 6]!,
    payload: packet.slice(header),
    hopLimit: packet[ipv4 ? 8 : 7]!,
  };
  if (upperSum(result, result.payload) !== 0xffff) throw new Error("the transport checksum");
  return result;
}
