/** Several engines as one: each serves a queue of the same device, on a thread of its own. */

import type { Settings } from "../config/settings.ts";
import type { EngineFigures } from "../figures.ts";
import type { EngineHandle } from "./engine_handle.ts";
import { sumFigures } from "./figures.ts";

export class EngineGroup implements EngineHandle {
  readonly name: string;
  /** Of the first that ends by itself: what it held is gone, so the tunnel is. */
  readonly failed: Promise<string>;
  readonly #engines: readonly EngineHandle[];

  /** All of one kind, at least one. */
  constructor(engines: readonly EngineHandle[]) {
    this.name = engines[0]!.name;
    this.failed = Promise.race(engines.map(({ failed }) => failed));
    this.#engines = engines;
  }

  async start(): Promise<void> {
    await Promise.all(this.#engines.map((engine) => engine.start()));
  }

  async figures(): Promise<EngineFigures> {
    return sumFigures(await Promise.all(this.#engines.map((engine) => engine.figures())));
  }

  async stop(grace: number): Promise<void> {
    await Promise.all(this.#engines.map((engine) => engine.stop(grace)));
  }

  async close(): Promise<void> {
    await Promise.all(this.#engines.map((engine) => engine.close()));
  }
}

/** The largest packet there is: a limit below it would refuse what one engine alone would take. */
const LARGEST_PACKET = 64 << 10;

/** What one of `count` engines may use, of limits that are the tunnel's. */
export function shareOf(settings: Settings, count: number): Settings {
  const { limits } = settings;
  const share = (limit: number, least = 1) => Math.max(Math.floor(limit / count), least);
  return {
    ...settings,
    limits: {
      ...limits,
      tcpFlows: share(limits.tcpFlows),
      halfOpen: share(limits.halfOpen),
      udpMappings: share(limits.udpMappings),
      udpAssociations: share(limits.udpAssociations),
      totalBytes: share(limits.totalBytes),
      reassemblyPackets: share(limits.reassemblyPackets, Math.min(limits.reassemblyPackets, 1)),
      reassemblyBytes: share(limits.reassemblyBytes, LARGEST_PACKET),
    },
  };
}
