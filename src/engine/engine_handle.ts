/** A running engine as the tunnel sees it, on this thread or on another. */

import type { EngineFigures } from "../figures.ts";

export interface EngineHandle {
  /** What runs: "async" or "uring". */
  readonly name: string;
  /** Settles with the reason when the engine ends by itself. */
  readonly failed: Promise<string>;
  /** Begins to serve; resolves when it is known what the proxy can do. */
  start(): Promise<void>;
  figures(): Promise<EngineFigures>;
  /** No new flows; the live ones get FIN and up to `grace` milliseconds, then RST. */
  stop(grace: number): Promise<void>;
  /** Ends everything at once; also while `stop` is waiting. */
  close(): Promise<void>;
}
