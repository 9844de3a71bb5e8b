/** A tunnel as the command line sees it: an engine on a device, its control socket, and their end. */

import { ControlServer } from "../control/server.ts";
import { chooseEngine } from "../engine/choose_engine.ts";
import type { EngineHandle } from "../engine/engine_handle.ts";
import { queueDrops } from "./queue_drops.ts";
import { tunnelStatus } from "./status.ts";
import type { TunDevice } from "../../ffi/types.ts";
import type { Settings } from "../config/settings.ts";
import { controlDirectory, type PathEnvironment } from "../control/socket_path.ts";
import { version } from "../version.ts";

export interface TunnelOptions {
  readonly settings: Settings;
  /** All queues of one device; an engine for each. */
  readonly queues: readonly TunDevice[];
  /** The verb that runs it, for `status`. */
  readonly command: string;
  readonly environment: PathEnvironment;
  /** When this settles `start` no longer waits to know the proxy: somebody wants to stop. */
  readonly hurry?: Promise<void>;
}

export class Tunnel {
  readonly #engine: EngineHandle;
  readonly #control: ControlServer;
  readonly #grace: number;

  /** Serves the device; resolves when packets flow. */
  static async start(options: TunnelOptions): Promise<Tunnel> {
    const { settings, queues, command } = options;
    const engine = await chooseEngine(queues, settings);
    const frame = {
      command,
      version,
      startedAt: performance.now(),
      device: { name: queues[0]!.name, mtu: settings.tun.mtu, offload: queues[0]!.vnet },
      proxy: settings.proxy,
      engine: engine.name,
      workers: queues.length,
    };
    let control: ControlServer | undefined;
    try {
      control = await ControlServer.listen(controlDirectory(options.environment), {
        status: async () => {
          const figures = await engine.figures();
          // The device of a command is in a namespace of its own, where it cannot be asked about.
          const dropQueueFull = command === "exec" ? 0 : queueDrops(frame.device.name);
          return tunnelStatus(
            { ...figures, counters: { ...figures.counters, dropQueueFull } },
            frame,
          );
        },
      });
      await Promise.race([engine.start(), ...(options.hurry === undefined ? [] : [options.hurry])]);
      return new Tunnel(engine, control, settings.timeouts.grace);
    } catch (error) {
      await engine.close();
      await control?.close();
      throw error;
    }
  }

  private constructor(engine: EngineHandle, control: ControlServer, grace: number) {
    this.#engine = engine;
    this.#control = control;
    this.#grace = grace;
  }

  /** Settles with the reason when the engine ends by itself. */
  get failed(): Promise<string> {
    return this.#engine.failed;
  }

  /** Ends the flows in order, within the grace time. */
  async stop(): Promise<void> {
    await this.#engine.stop(this.#grace);
    await this.#control.close();
  }

  /** Ends everything now; also while `stop` is waiting. */
  async close(): Promise<void> {
    await this.#engine.close();
    await this.#control.close();
  }
}
