/**
 * IPv4 addresses as text: four decimal octets, nothing else.
 *
 * Leading zeros are refused: `010.0.0.1` is 8.0.0.1 to inet_aton and 10.0.0.1 to others, and a router
 * must not be one of two opinions about where a packet goes. Short and hexadecimal forms go the same way.
 */

const ZERO = 0x30;
const DOT = 0x2e;

/** Reads `text[from, to)` into four octets at `at`; false when it is not an IPv4 address. */
export function readIpv4Text(
  text: string,
  from: number,
  to: number,
  out: Uint8Array,
  at: number,
): boolean {
  let octets = 0;
  let position = from;
  while (octets < 4) {
    const start = position;
    let value = 0;
    while (position < to) {
      const digit = text.charCodeAt(position) - ZERO;
      if (digit < 0 || digit > 9) break;
      value = value * 10 + digit;
      if (++position - start > 3) return false;
    }
    const length = position - start;
    if (length === 0 || value > 255) return false;
    if (length > 1 && text.charCodeAt(start) === ZERO) return false;
    out[at + octets++] = value;
    if (octets < 4 && (position >= to || text.charCodeAt(position++) !== DOT)) return false;
  }
  return position === to;
}

export function formatIpv4(bytes: Uint8Array, at: number): string {
  return `${bytes[at]}.${bytes[at + 1]}.${bytes[at + 2]}.${bytes[at + 3]}`;
}
