/** UDP headers (RFC 768): source port, destination port, length, checksum. */

import { get16, set16 } from "../bytes.ts";

export const UDP_HEADER = 8;
export const UDP_SOURCE_PORT = 0;
export const UDP_DESTINATION_PORT = 2;
export const UDP_LENGTH = 4;
export const UDP_CHECKSUM = 6;

/** Where the datagram that begins at `at` ends, or -1 when its length is not true. */
export function udpEnd(bytes: Uint8Array, at: number, end: number): number {
  if (end - at < UDP_HEADER) return -1;
  const length = get16(bytes, at + UDP_LENGTH);
  return length < UDP_HEADER || at + length > end ? -1 : at + length;
}

/** Writes the header with an empty checksum. */
export function writeUdp(
  bytes: Uint8Array,
  at: number,
  sourcePort: number,
  destinationPort: number,
  length: number,
): void {
  set16(bytes, at + UDP_SOURCE_PORT, sourcePort);
  set16(bytes, at + UDP_DESTINATION_PORT, destinationPort);
  set16(bytes, at + UDP_LENGTH, length);
  set16(bytes, at + UDP_CHECKSUM, 0);
}
