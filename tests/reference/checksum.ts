/** The Internet checksum as RFC 1071 states it: 16-bit words, added one by one with end-around carry. */

/** The folded sum of `[at, end)`; an odd last byte is the high half of a word. */
export function referenceSum(bytes: Uint8Array, at: number, end: number, sum = 0): number {
  for (let i = at; i < end; i += 2) {
    const low = i + 1 < end ? bytes[i + 1]! : 0;
    sum += bytes[i]! * 256 + low;
    if (sum > 0xffff) sum -= 0xffff;
  }
  return sum;
}

export interface UpperPacket {
  readonly source: Uint8Array;
  readonly destination: Uint8Array;
  readonly protocol: number;
  /** The upper header and its payload, checksum field included. */
  readonly bytes: Uint8Array;
}

/** The folded sum of pseudo-header and upper packet: 0xffff when the checksum in it is right. */
export function referenceUpperSum(packet: UpperPacket): number {
  const { source, destination, protocol, bytes } = packet;
  const pseudo = new Uint8Array(source.length + destination.length + 8);
  pseudo.set(source);
  pseudo.set(destination, source.length);
  new DataView(pseudo.buffer).setUint32(source.length + destination.length, bytes.length);
  pseudo[pseudo.length - 1] = protocol;
  return referenceSum(bytes, 0, bytes.length, referenceSum(pseudo, 0, pseudo.length));
}
