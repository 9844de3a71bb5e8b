/** The engine's figures in the form that `status` shows. */

import { formatEndpoint } from "../addr/endpoint.ts";
import {
  type DnsStatus,
  type Gauges,
  STATUS_VERSION,
  type TunnelStatus,
} from "../control/status.ts";
import type { TransactionFigures } from "../dns/transactions.ts";
import type { Engine } from "../engine/engine.ts";

export interface StatusFrame {
  readonly command: string;
  readonly version: string;
  readonly startedAt: number;
  readonly device: TunnelStatus["device"];
}

export function tunnelStatus(engine: Engine, frame: StatusFrame): TunnelStatus {
  const { proxy } = engine.settings;
  return {
    schemaVersion: STATUS_VERSION,
    pid: Deno.pid,
    version: frame.version,
    command: frame.command,
    engine: "async",
    uptimeSeconds: Math.round((engine.now() - frame.startedAt) / 1000),
    proxy: proxy === undefined ? "" : formatEndpoint(proxy.host, proxy.port),
    proxyUdp: engine.verdict.state,
    proxyPipelining: engine.dialer.capability.pipelining,
    device: frame.device,
    gauges: gauges(engine),
    counters: engine.counters,
    dns: dnsStatus(engine.dns.transactions.figures),
  };
}

function gauges(engine: Engine): Gauges {
  const { stack, udp, dns } = engine;
  return {
    tcpFlows: stack.connections.size,
    tcpHalfOpen: stack.connections.halfOpen,
    tcpRelays: engine.tcpRelays,
    udpMappings: udp.mappings,
    udpAssociations: udp.associations + dns.associations,
    dnsInFlight: dns.transactions.inFlight,
    dnsConnections: dns.pool.connections,
    reassembling: stack.reassembly.size,
    bytesBuffered: engine.bytesBuffered,
  };
}

function dnsStatus(figures: TransactionFigures): DnsStatus {
  const { latency } = figures;
  return {
    queries: figures.queries,
    answers: figures.answers,
    timeouts: figures.timeouts,
    refused: figures.refused,
    retransmitted: figures.retransmitted,
    mismatched: figures.mismatched,
    unexpected: figures.unexpected,
    overflow: figures.overflow,
    latency: {
      last: latency.last,
      mean: latency.mean,
      min: latency.min,
      max: latency.max,
      p50: latency.percentile(0.5),
      p99: latency.percentile(0.99),
    },
  };
}
