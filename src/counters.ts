/**
 * What happened, counted under a name. Plain fields of one class: adding to one is one instruction, and
 * `status --json` shows them all, zero or not.
 */

export class Counters {
  packetsReceived = 0;
  packetsSent = 0;
  bytesReceived = 0;
  bytesSent = 0;

  // Packets that were dropped, by reason.
  dropMalformed = 0;
  dropChecksum = 0;
  dropProtocol = 0;
  dropHopLimit = 0;
  dropAddress = 0;
  dropNoMemory = 0;
  dropLinkFull = 0;
  /** Dropped by the kernel before they were read: the device's queue was full. */
  dropQueueFull = 0;
  dropIcmpLimit = 0;
  dropFragmentLimit = 0;
  dropFragmentOverlap = 0;
  dropFragmentTimeout = 0;
  fragmentsReceived = 0;
  packetsReassembled = 0;

  tcpOpened = 0;
  tcpAccepted = 0;
  tcpRefused = 0;
  tcpClosed = 0;
  tcpResetByPeer = 0;
  tcpResetByUs = 0;
  tcpTimedOut = 0;
  tcpIdleClosed = 0;
  tcpEvicted = 0;
  tcpSynDropped = 0;
  tcpNoFlow = 0;
  tcpRetransmissions = 0;
  tcpFastRecoveries = 0;
  tcpTimeouts = 0;
  tcpOutOfOrder = 0;
  tcpDuplicates = 0;
  tcpOutsideWindow = 0;
  tcpReorderFull = 0;
  tcpChallengeAcks = 0;
  tcpPawsDropped = 0;
  tcpWindowProbes = 0;
  tcpKeepAlives = 0;

  udpReceived = 0;
  udpSent = 0;
  udpRefused = 0;
  udpOpened = 0;
  udpEvicted = 0;
  udpExpired = 0;
  udpTooBig = 0;
  udpNoAssociation = 0;
  udpWaitingDropped = 0;
  udpUnclaimed = 0;
  udpFragmentDropped = 0;
  udpMalformed = 0;
  udpSendDropped = 0;

  icmpEchoAnswered = 0;
  icmpErrorsSent = 0;
  icmpIgnored = 0;

  proxyConnects = 0;
  proxyConnectFailed = 0;
  proxyConnectTimeout = 0;
  proxyHandshakeTimeout = 0;
  proxyClosedEarly = 0;
  proxyProtocolError = 0;
  proxyAuthFailed = 0;
  proxyRefused = 0;
  proxyPipelineSteppedBack = 0;
  proxyReset = 0;
  proxyCutOff = 0;
  proxyBytesUp = 0;
  proxyBytesDown = 0;
  associationsOpened = 0;
  associationsLost = 0;
  associationsFailed = 0;
}
