/** A running engine as the tunnel sees it, on this thread or on another. */

import type { EngineFigures } from "../figures.ts";
import type { FlowSample } from "./flow_sample.ts";
import type { ProxyPath } from "./proxy_path.ts";

/** What an engine has to know of the host beside the settings. */
export interface EngineOptions {
  /** The mark of what is sent to the proxy (SO_MARK), but by connections that Deno makes; 0 for none. */
  readonly mark?: number;
  /** Where the proxy is. Then no engine ever resolves its name. */
  readonly path?: ProxyPath | undefined;
}

export interface EngineHandle {
  /** What runs: "async" or "uring". */
  readonly name: string;
  /** Settles with the reason when the engine ends by itself. */
  readonly failed: Promise<string>;
  /** Begins to serve; resolves when it is known what the proxy can do. */
  start(): Promise<void>;
  figures(): Promise<EngineFigures>;
  /** The newest TCP flow since the last time that somebody asked; of several engines, of each in turn. */
  newestFlow(): Promise<FlowSample | undefined>;
  /**
   * The way to the proxy has changed: where it is, whether there is one, from which addresses. Flows that
   * can have no answer any more end. From now on the proxy's name is not resolved.
   */
  follow(path: ProxyPath): Promise<void>;
  /** To be set: called when a connection to the proxy could not be made, at most every 100 ms. */
  onProxyUnreachable: (() => void) | undefined;
  /** No new flows; the live ones get FIN and up to `grace` milliseconds, then RST. */
  stop(grace: number): Promise<void>;
  /** Ends everything at once; also while `stop` is waiting. */
  close(): Promise<void>;
}
