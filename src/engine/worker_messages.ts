/** What an engine's thread and the main thread say to each other. */

import type { LogRecord } from "../log.ts";
import type { Settings } from "../config/settings.ts";
import type { TunOffload } from "../../ffi/types.ts";
import type { EngineFigures } from "../figures.ts";
import type { EngineOptions } from "./engine_handle.ts";
import type { FlowSample } from "./flow_sample.ts";
import type { ProxyPath } from "./proxy_path.ts";

/** A TUN device without its methods: descriptors are the same on every thread. */
export interface DeviceDescription {
  readonly fd: number;
  readonly name: string;
  readonly vnet: boolean;
  readonly offload: TunOffload;
}

export type ToWorker =
  | {
    readonly kind: "start";
    readonly driver: "async" | "uring";
    readonly settings: Settings;
    readonly options: EngineOptions;
    readonly device: DeviceDescription;
    /** Wakes the thread from its ring. */
    readonly wakeFd: number;
    /** How many messages were sent to the thread: one 32-bit number. */
    readonly sent: SharedArrayBuffer;
  }
  | { readonly kind: "figures" }
  | { readonly kind: "newestFlow" }
  | { readonly kind: "follow"; readonly path: ProxyPath }
  | { readonly kind: "stop"; readonly grace: number }
  | { readonly kind: "close" };

export type FromWorker =
  | { readonly kind: "made" }
  | { readonly kind: "started" }
  /** The engine cannot be made here, for the reason given. */
  | { readonly kind: "refused"; readonly reason: string }
  | { readonly kind: "figures"; readonly figures: EngineFigures }
  | { readonly kind: "newestFlow"; readonly flow: FlowSample | undefined }
  | { readonly kind: "followed" }
  /** A connection to the proxy could not be made. */
  | { readonly kind: "unreachable" }
  | { readonly kind: "failed"; readonly reason: string }
  /** With its last figures, if an engine was made. */
  | { readonly kind: "closed"; readonly figures: EngineFigures | undefined }
  | { readonly kind: "log"; readonly record: LogRecord };
