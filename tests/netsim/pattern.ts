/**
 * What flows carry: every byte is a function of the flow and its offset, so that one that is lost,
 * doubled, displaced or changed is seen where it happens.
 */

function byteAt(flow: number, offset: number): number {
  return (Math.imul(offset ^ (offset >>> 11), 0x9e37_79b1) + flow) >>> 24;
}

export function fillPattern(
  bytes: Uint8Array,
  at: number,
  end: number,
  flow: number,
  offset: number,
): void {
  for (let i = at; i < end; i++) bytes[i] = byteAt(flow, offset + i - at);
}

/** The first offset at which `[at, end)` is not the pattern from `offset` on; -1 when all of it is. */
export function findDifference(
  bytes: Uint8Array,
  at: number,
  end: number,
  flow: number,
  offset: number,
): number {
  for (let i = at; i < end; i++) {
    if (bytes[i] !== byteAt(flow, offset + i - at)) return offset + i - at;
  }
  return -1;
}
