/** Sequence numbers: 32 bits that wrap, compared by the sign of their difference (RFC 9293, 3.4). */

export function seqAdd(a: number, n: number): number {
  return (a + n) >>> 0;
}

/** How far `a` lies behind `b` on the circle; negative when `a` comes first. */
export function seqDiff(a: number, b: number): number {
  return (a - b) | 0;
}

export function seqLt(a: number, b: number): boolean {
  return ((a - b) | 0) < 0;
}

export function seqLe(a: number, b: number): boolean {
  return ((a - b) | 0) <= 0;
}

export function seqMax(a: number, b: number): number {
  return seqLt(a, b) ? b : a;
}
