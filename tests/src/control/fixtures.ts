/** A directory for control sockets, and a status that a tunnel might give. */

import type { TunnelStatus } from "../../../src/control/status.ts";
import { Counters } from "../../../src/counters.ts";

export class ControlDirectory implements AsyncDisposable {
  /** Short, because the path of a socket may have 107 octets only. */
  readonly path = Deno.makeTempDirSync({ prefix: "ztun-" });

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.path, { recursive: true });
  }
}

export function sampleStatus(changes: Partial<TunnelStatus> = {}): TunnelStatus {
  return {
    schemaVersion: 1,
    pid: 4711,
    version: "0.1.0",
    command: "up",
    engine: "async",
    workers: 1,
    uptimeSeconds: 3_725,
    proxy: "127.0.0.1:1080",
    proxyUdp: "relays",
    proxyPipelining: "yes",
    device: { name: "ztun0", mtu: 1_500, offload: true },
    gauges: {
      tcpFlows: 3,
      tcpHalfOpen: 1,
      tcpRelays: 3,
      udpMappings: 2,
      udpAssociations: 1,
      dnsInFlight: 0,
      dnsConnections: 0,
      reassembling: 0,
      bytesBuffered: 69_632,
    },
    counters: new Counters(),
    dns: {
      queries: 10,
      answers: 9,
      timeouts: 1,
      refused: 0,
      retransmitted: 0,
      mismatched: 0,
      unexpected: 0,
      overflow: 0,
      latency: { last: 4, mean: 5, min: 1, max: 20, p50: 4.25, p99: 19.96 },
    },
    ...changes,
  };
}
