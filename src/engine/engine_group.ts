/** Several engines as one: each serves a queue of the same device, on a thread of its own. */

import type { Settings } from "../config/settings.ts";
import type { EngineFigures } from "../figures.ts";
import type { EngineHandle } from "./engine_handle.ts";
import { sumFigures } from "./figures.ts";
import type { FlowSample } from "./flow_sample.ts";
import { BETWEEN_TELLINGS } from "./proxy_dialer.ts";
import type { ProxyPath } from "./proxy_path.ts";
import { Seldom } from "./seldom.ts";

export class EngineGroup implements EngineHandle {
  readonly name: string;
  /** Of the first that ends by itself: what it held is gone, so the tunnel is. */
  readonly failed: Promise<string>;
  onProxyUnreachable: (() => void) | undefined = undefined;
  readonly #engines: readonly EngineHandle[];
  readonly #telling = new Seldom(BETWEEN_TELLINGS);
  /** Whose flow is asked for next. */
  #turn = 0;

  /** All of one kind, at least one. */
  constructor(engines: readonly EngineHandle[], now: () => number = () => performance.now()) {
    this.name = engines[0]!.name;
    this.failed = Promise.race(engines.map(({ failed }) => failed));
    this.#engines = engines;
    for (const engine of engines) {
      engine.onProxyUnreachable = () => {
        if (this.#telling.isDue(now())) this.onProxyUnreachable?.();
      };
    }
  }

  async start(): Promise<void> {
    await Promise.all(this.#engines.map((engine) => engine.start()));
  }

  async figures(): Promise<EngineFigures> {
    return sumFigures(await Promise.all(this.#engines.map((engine) => engine.figures())));
  }

  /** Which flow is the newest of all nobody can tell: each engine has its turn. */
  async newestFlow(): Promise<FlowSample | undefined> {
    for (let tries = this.#engines.length; tries > 0; tries--) {
      const flow = await this.#engines[this.#turn]!.newestFlow();
      this.#turn = (this.#turn + 1) % this.#engines.length;
      if (flow !== undefined) return flow;
    }
    return undefined;
  }

  async follow(path: ProxyPath): Promise<void> {
    await Promise.all(this.#engines.map((engine) => engine.follow(path)));
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
