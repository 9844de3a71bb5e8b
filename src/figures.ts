/** What an engine says of itself: plain values, which can be sent to another thread and printed as JSON. */

import type { Counters } from "./counters.ts";

export interface DnsStatus {
  readonly queries: number;
  readonly answers: number;
  readonly timeouts: number;
  readonly refused: number;
  readonly retransmitted: number;
  readonly mismatched: number;
  readonly unexpected: number;
  readonly overflow: number;
  /** Milliseconds. */
  readonly latency: {
    readonly last: number;
    readonly mean: number;
    readonly min: number;
    readonly max: number;
    readonly p50: number;
    readonly p99: number;
  };
}

/** How many of each there are at this moment; all are zero when nothing goes on. */
export interface Gauges {
  readonly tcpFlows: number;
  readonly tcpHalfOpen: number;
  readonly tcpRelays: number;
  readonly udpMappings: number;
  readonly udpAssociations: number;
  readonly dnsInFlight: number;
  readonly dnsConnections: number;
  readonly reassembling: number;
  /** Packet memory that flows hold. */
  readonly bytesBuffered: number;
}

export interface EngineFigures {
  /** Whether the proxy relays UDP. */
  readonly proxyUdp: "off" | "unknown" | "relays" | "no";
  readonly proxyPipelining: "unknown" | "yes" | "no";
  readonly gauges: Gauges;
  readonly counters: Counters;
  readonly dns: DnsStatus;
}
