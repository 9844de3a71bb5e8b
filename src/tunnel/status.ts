/** The engines' figures in the form that `status` shows. */

import { formatEndpoint } from "../addr/endpoint.ts";
import type { ProxySettings } from "../config/settings.ts";
import { STATUS_VERSION, type TunnelStatus } from "../control/status.ts";
import type { EngineFigures } from "../figures.ts";

export interface StatusFrame {
  readonly command: string;
  readonly version: string;
  readonly startedAt: number;
  readonly device: TunnelStatus["device"];
  readonly proxy: ProxySettings | undefined;
  readonly engine: string;
  readonly workers: number;
}

export function tunnelStatus(figures: EngineFigures, frame: StatusFrame): TunnelStatus {
  const { proxy } = frame;
  return {
    schemaVersion: STATUS_VERSION,
    pid: Deno.pid,
    version: frame.version,
    command: frame.command,
    engine: frame.engine,
    workers: frame.workers,
    uptimeSeconds: Math.round((performance.now() - frame.startedAt) / 1000),
    proxy: proxy === undefined ? "" : formatEndpoint(proxy.host, proxy.port),
    proxyUdp: figures.proxyUdp,
    proxyPipelining: figures.proxyPipelining,
    device: frame.device,
    gauges: figures.gauges,
    counters: figures.counters,
    dns: figures.dns,
  };
}
