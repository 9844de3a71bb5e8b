/** What the SOCKS5 server did, by name; every drop and every refusal has one. */

export class Socks5ServerCounters {
  accepted = 0;
  /** `accept()` failed: most often, no descriptors are left. */
  acceptFailures = 0;
  /** Closed at once: the server was full of busy connections. */
  refusedFull = 0;
  /** Idle connections closed for a newcomer. */
  evicted = 0;
  handshakeFailures = 0;
  authFailures = 0;
  connects = 0;
  connectFailures = 0;
  associations = 0;
  associationFailures = 0;
  /** Relays that ended in a reset, passed on to the other side. */
  resets = 0;
  handshakeTimeouts = 0;
  connectTimeouts = 0;
  idleTimeouts = 0;
  /** From clients to destinations. */
  bytesUp = 0;
  bytesDown = 0;
  datagramsUp = 0;
  datagramsDown = 0;
  /** Dropped: FRAG was not zero. */
  datagramsFragmented = 0;
  /** Dropped: no SOCKS5 header, or an impossible one. */
  datagramsMalformed = 0;
  /** Dropped: not from the association's client, or for a client that has not spoken yet. */
  datagramsForeign = 0;
  /** Dropped: longer than a datagram of the family can be, with the header. */
  datagramsTooLong = 0;
  /** Dropped: the name was not found, or too many names were being looked up. */
  datagramsUnresolved = 0;
  /** Dropped: the system would not send it, or it went to a group of hosts. */
  datagramsUnsendable = 0;
}
