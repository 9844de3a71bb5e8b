/** What every packet that a stack sends must be: well-formed, of a size that goes out, rightly summed. */

import { get16, get16le } from "../../src/bytes.ts";
import { ICMP, ICMPV6, TCP, UDP } from "../../src/wire/protocol.ts";
import { referenceSum, referenceUpperSum } from "../reference/checksum.ts";
import { hold } from "./target.ts";

const VNET = 10;
const FRAGMENT = 44;

/** Throws when `packet` is none that the kernel would take. */
export function checkOutput(packet: Uint8Array, vnet: boolean, mtu: number): void {
  const ip = vnet ? packet.subarray(VNET) : packet;
  const version = ip[0]! >> 4;
  hold(version === 4 || version === 6, `IP version ${version} was sent`);
  const upperAt = version === 4 ? checkHeader4(ip) : checkHeader6(ip);
  const partial = vnet && (packet[0]! & 1) !== 0;
  const gsoSize = vnet ? get16le(packet, 4) : 0;
  if (gsoSize === 0) hold(ip.length <= mtu, `${ip.length} bytes do not fit the MTU of ${mtu}`);
  else checkGso(packet, ip, upperAt, gsoSize, mtu);
  const protocol = version === 4 ? ip[9]! : ip[6]!;
  if (isPiece(ip, version, protocol)) return;
  if (partial) checkPartialSum(packet, ip, upperAt, protocol);
  else checkSum(ip, version, upperAt, protocol);
}

function checkHeader4(ip: Uint8Array): number {
  hold(ip.length >= 20 && ip[0] === 0x45, "an IPv4 header is not 20 bytes long");
  hold(get16(ip, 2) === ip.length, "an IPv4 length is not true");
  hold(referenceSum(ip, 0, 20) === 0xffff, "an IPv4 header checksum is wrong");
  hold(ip[8]! > 0, "a TTL of zero was sent");
  return 20;
}

function checkHeader6(ip: Uint8Array): number {
  hold(ip.length >= 40, "an IPv6 header is cut off");
  hold(get16(ip, 4) === ip.length - 40, "an IPv6 length is not true");
  hold(ip[7]! > 0, "a hop limit of zero was sent");
  return 40;
}

function isPiece(ip: Uint8Array, version: number, protocol: number): boolean {
  return version === 4 ? (get16(ip, 6) & 0x3fff) !== 0 : protocol === FRAGMENT;
}

function checkGso(
  packet: Uint8Array,
  ip: Uint8Array,
  upperAt: number,
  gsoSize: number,
  mtu: number,
): void {
  const headers = get16le(packet, 2);
  hold(packet[1] === (upperAt === 20 ? 1 : 4), `gso_type is ${packet[1]}`);
  hold(
    headers === upperAt + (ip[upperAt + 12]! >> 4) * 4,
    "hdr_len is not where the payload begins",
  );
  hold(headers + gsoSize <= mtu, `segments of ${gsoSize} bytes do not fit the MTU`);
  hold(ip.length > headers + gsoSize, "a super-segment has one segment only");
}

function checkPartialSum(
  packet: Uint8Array,
  ip: Uint8Array,
  upperAt: number,
  protocol: number,
): void {
  const field = fieldOf(protocol);
  hold(get16le(packet, 6) === upperAt && get16le(packet, 8) === field, "csum_start is wrong");
  const zeroed = ip.slice(upperAt);
  // With the payload taken as nothing, what is in the field must complement the pseudo-header's sum.
  const sum = get16(zeroed, field);
  zeroed.fill(0);
  const pseudo = referenceUpperSum({ ...addressesOf(ip, upperAt), protocol, bytes: zeroed });
  hold(sum % 0xffff === pseudo % 0xffff, "the pseudo-header's sum is wrong");
}

function checkSum(ip: Uint8Array, version: number, upperAt: number, protocol: number): void {
  const bytes = ip.subarray(upperAt);
  hold(fieldOf(protocol) + 2 <= bytes.length, "an upper header is cut off");
  if (protocol === UDP) hold(get16(bytes, 6) !== 0, "a UDP datagram without checksum was sent");
  const sum = version === 4 && protocol === ICMP
    ? referenceSum(bytes, 0, bytes.length)
    : referenceUpperSum({ ...addressesOf(ip, upperAt), protocol, bytes });
  hold(sum === 0xffff, `the checksum of protocol ${protocol} is wrong`);
}

function addressesOf(
  ip: Uint8Array,
  upperAt: number,
): { source: Uint8Array; destination: Uint8Array } {
  const length = upperAt === 20 ? 4 : 16;
  const at = upperAt - 2 * length;
  return { source: ip.slice(at, at + length), destination: ip.slice(at + length, upperAt) };
}

function fieldOf(protocol: number): number {
  if (protocol === TCP) return 16;
  if (protocol === UDP) return 6;
  hold(protocol === ICMP || protocol === ICMPV6, `protocol ${protocol} was sent`);
  return 2;
}
