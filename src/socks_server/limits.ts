/**
 * The bounds of the SOCKS5 server, and what happens at each. Durations are milliseconds.
 */

export interface Socks5ServerLimits {
  /**
   * Client connections at a time. At the bound, a newcomer takes the place of the one that has been idle
   * longest, if that is `evictableAfter` or more; otherwise the newcomer is closed.
   */
  connections: number;
  /** A connection idle for less is in use: it is not closed to make room. */
  evictableAfter: number;
  /** Associations at a time; beyond it the request is answered with "general failure". */
  associations: number;
  /** From the connection to the whole request, password included. */
  handshake: number;
  /** To connect to the destination; beyond the system's own limit, so that its error is what is told. */
  connect: number;
  /** No byte in either direction, both directions open; also an association without datagrams. */
  idle: number;
  /** No byte, one direction closed. */
  halfClosed: number;
  /** Bytes of large relay buffers in all; at the bound, flows make do with medium ones. */
  bufferBytes: number;
}

export const DEFAULT_SERVER_LIMITS: Readonly<Socks5ServerLimits> = {
  connections: 16_384,
  evictableAfter: 10_000,
  associations: 4_096,
  handshake: 10_000,
  connect: 130_000,
  idle: 7_200_000,
  halfClosed: 60_000,
  bufferBytes: 64 << 20,
};

/** How long a refused client has to read why, before its connection goes. */
export const LINGER = 5_000;

/** At `close`, what moved no byte for so long has nothing to lose, and is not waited for. */
export const QUIET_AFTER = 1_000;
