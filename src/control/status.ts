/** What a running tunnel tells about itself. Fields are added, never given another meaning. */

import type { Counters } from "../counters.ts";

export const STATUS_VERSION = 1;

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

export interface TunnelStatus {
  readonly schemaVersion: typeof STATUS_VERSION;
  readonly pid: number;
  readonly version: string;
  /** The verb that runs it: "up" or "exec". */
  readonly command: string;
  readonly engine: string;
  readonly uptimeSeconds: number;
  readonly proxy: string;
  readonly proxyUdp: "off" | "unknown" | "relays" | "no";
  readonly proxyPipelining: "unknown" | "yes" | "no";
  readonly device: { readonly name: string; readonly mtu: number; readonly offload: boolean };
  readonly gauges: Gauges;
  readonly counters: Counters;
  readonly dns: DnsStatus;
}
