/**
 * `struct virtio_net_hdr`: what the kernel says of a packet's checksum and segments, and what we tell it.
 *
 *     flags · gso_type · hdr_len (2) · gso_size (2) · csum_start (2) · csum_offset (2), host byte order
 */

import { set16le } from "../bytes.ts";

export const VNET_HEADER = 10;
export const VNET_GSO_TYPE = 1;
export const VNET_GSO_SIZE = 4;

/** The checksum field holds the pseudo-header's sum only: the packet never crossed a wire. */
export const VNET_NEEDS_CHECKSUM = 1;
/** Somebody below has verified the checksum. */
export const VNET_DATA_VALID = 2;

export const GSO_NONE = 0;
export const GSO_TCP4 = 1;
export const GSO_TCP6 = 4;
export const GSO_UDP_SEGMENTS = 5;
/** Flag beside the type: the segments carry congestion marks. */
export const GSO_ECN = 0x80;

/** A packet whose checksum is final, or of no interest. */
export function writePlainVnetHeader(bytes: Uint8Array, at: number): void {
  // Not `fill`: for ten bytes the call takes three times as long.
  for (let i = at; i < at + VNET_HEADER; i++) bytes[i] = 0;
}

/** A packet whose transport checksum the kernel completes, cut into `gsoSize` pieces unless that is 0. */
export function writeVnetHeader(
  bytes: Uint8Array,
  at: number,
  gsoType: number,
  gsoSize: number,
  headerLength: number,
  checksumStart: number,
  checksumOffset: number,
): void {
  bytes[at] = VNET_NEEDS_CHECKSUM;
  bytes[at + VNET_GSO_TYPE] = gsoType;
  set16le(bytes, at + 2, headerLength);
  set16le(bytes, at + VNET_GSO_SIZE, gsoSize);
  set16le(bytes, at + 6, checksumStart);
  set16le(bytes, at + 8, checksumOffset);
}
