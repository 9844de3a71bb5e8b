/** The engines' figures in the form that `status` shows. */

import { formatEndpoint } from "../addr/endpoint.ts";
import type { ProxySettings } from "../config/settings.ts";
import {
  type CaptureStatus,
  STATUS_VERSION,
  type TunnelState,
  type TunnelStatus,
} from "../control/status.ts";
import type { EngineFigures } from "../figures.ts";

export interface StatusFrame {
  readonly command: string;
  readonly version: string;
  readonly startedAt: number;
  /** In milliseconds. */
  readonly grace: number;
  readonly device: TunnelStatus["device"];
  readonly proxy: ProxySettings | undefined;
  readonly engine: string;
  readonly workers: number;
}

/** What changes about a tunnel besides its figures. */
export interface StatusNow {
  readonly state: TunnelState;
  readonly capture: CaptureStatus | undefined;
}

export function tunnelStatus(
  figures: EngineFigures,
  frame: StatusFrame,
  { state, capture }: StatusNow,
): TunnelStatus {
  const { proxy } = frame;
  return {
    schemaVersion: STATUS_VERSION,
    pid: Deno.pid,
    version: frame.version,
    command: frame.command,
    state,
    engine: frame.engine,
    workers: frame.workers,
    uptimeSeconds: Math.round((performance.now() - frame.startedAt) / 1000),
    graceSeconds: frame.grace / 1000,
    proxy: proxy === undefined ? "" : formatEndpoint(proxy.host, proxy.port),
    proxyUdp: figures.proxyUdp,
    proxyPipelining: figures.proxyPipelining,
    device: frame.device,
    ...(capture === undefined ? {} : { capture }),
    gauges: figures.gauges,
    counters: figures.counters,
    dns: figures.dns,
  };
}
