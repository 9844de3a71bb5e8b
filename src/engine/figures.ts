/** An engine's figures, and those of several engines together. */

import type { TransactionFigures } from "../dns/transactions.ts";
import type { DnsStatus, EngineFigures, Gauges } from "../figures.ts";
import type { Engine } from "./engine.ts";

export function figuresOf(engine: Engine): EngineFigures {
  return {
    proxyUdp: engine.verdict.state,
    proxyPipelining: engine.dialer.capability.pipelining,
    gauges: gauges(engine),
    counters: engine.counters,
    dns: dnsStatus(engine.dns.transactions.figures),
  };
}

/** The figures of several engines that serve one tunnel. What the proxy can do the first one knows. */
export function sumFigures(all: readonly EngineFigures[]): EngineFigures {
  const first = all[0];
  if (first === undefined) throw new RangeError("No engine has no figures");
  return {
    ...first,
    gauges: sum(all.map(({ gauges }) => gauges)),
    counters: sum(all.map(({ counters }) => counters)),
    dns: sumDns(all.map(({ dns }) => dns)),
  };
}

function sum<T extends object>(all: readonly T[]): T {
  const total: Record<string, number> = {};
  for (const one of all) {
    for (const [name, value] of Object.entries(one)) total[name] = (total[name] ?? 0) + value;
  }
  return total as T;
}

/** Latencies cannot be added: the extremes are exact, the others those of whoever answered most. */
function sumDns(all: readonly DnsStatus[]): DnsStatus {
  const busiest = all.reduce((best, one) => one.answers > best.answers ? one : best);
  const counts = sum(all.map(({ latency: _, ...counts }) => counts));
  const answered = all.filter(({ answers }) => answers > 0).map(({ latency }) => latency);
  if (answered.length === 0) return { ...counts, latency: busiest.latency };
  return {
    ...counts,
    latency: {
      ...busiest.latency,
      min: Math.min(...answered.map(({ min }) => min)),
      max: Math.max(...answered.map(({ max }) => max)),
    },
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
