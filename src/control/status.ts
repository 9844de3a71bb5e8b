/** What a running tunnel tells about itself. Fields are added, never given another meaning. */

import type { EngineFigures } from "../figures.ts";

export const STATUS_VERSION = 1;

export interface TunnelStatus extends EngineFigures {
  readonly schemaVersion: typeof STATUS_VERSION;
  readonly pid: number;
  readonly version: string;
  /** The verb that runs it: "up" or "exec". */
  readonly command: string;
  readonly engine: string;
  /** Threads that carry packets. */
  readonly workers: number;
  readonly uptimeSeconds: number;
  readonly proxy: string;
  readonly device: { readonly name: string; readonly mtu: number; readonly offload: boolean };
}
