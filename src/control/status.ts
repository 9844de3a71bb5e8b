/** What a running tunnel tells about itself. Fields are added, never given another meaning. */

import type { EngineFigures } from "../figures.ts";

export const STATUS_VERSION = 1;

export type TunnelState =
  | "starting"
  | "ready"
  /** Ready, and undone by itself unless somebody confirms it. */
  | "unconfirmed"
  /** The host has no network. */
  | "offline"
  | "stopping";

/** What `up` captures of the host, and what it leaves outside. */
export interface CaptureStatus {
  /** Of the routes. */
  readonly table: number;
  /** Whoever's packets have it stay outside. */
  readonly mark: number;
  /** The kill switch. */
  readonly strict: boolean;
  /** How the system's resolver is pointed into the tunnel; "off" when it is not. */
  readonly resolver: string;
  /** Networks, as CIDR texts; empty stands for everything. */
  readonly include: readonly string[];
  readonly bypass: readonly string[];
  readonly network: "online" | "offline";
  /** Whether all is there that the tunnel has made on the host. */
  readonly intact: boolean;
  /** One sentence each: who stays outside, and why. */
  readonly outside: readonly string[];
  /** Packets that the kill switch kept in, by its counters' names. */
  readonly refused: Readonly<Record<string, number>>;
  /** How often the network has changed. */
  readonly changes: number;
  /** How often somebody else has written the resolver's configuration. */
  readonly rewritten: number;
}

export interface TunnelStatus extends EngineFigures {
  readonly schemaVersion: typeof STATUS_VERSION;
  readonly pid: number;
  readonly version: string;
  /** The verb that runs it: "up" or "exec". */
  readonly command: string;
  readonly state: TunnelState;
  readonly engine: string;
  /** Threads that carry packets. */
  readonly workers: number;
  readonly uptimeSeconds: number;
  /** How long live flows get when it ends. */
  readonly graceSeconds: number;
  readonly proxy: string;
  readonly device: { readonly name: string; readonly mtu: number; readonly offload: boolean };
  /** Of `up` only. */
  readonly capture?: CaptureStatus;
}
