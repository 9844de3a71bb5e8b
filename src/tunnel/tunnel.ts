/** A tunnel as the command line sees it: an engine on a device, its control socket, and their end. */

import { ControlServer } from "../control/server.ts";
import { chooseEngine } from "../engine/choose_engine.ts";
import type { EngineHandle, EngineOptions } from "../engine/engine_handle.ts";
import { queueDrops } from "./queue_drops.ts";
import { tunnelStatus } from "./status.ts";
import type { CaptureStatus, TunnelState, TunnelStatus } from "../control/status.ts";
import type { TunDevice } from "../../ffi/types.ts";
import type { Settings } from "../config/settings.ts";
import { controlDirectory, type PathEnvironment } from "../control/socket_path.ts";
import { version } from "../version.ts";

export interface TunnelOptions {
  readonly settings: Settings;
  readonly engine?: EngineOptions;
  /** Called when a connection to the proxy could not be made. */
  readonly onProxyUnreachable?: () => void;
  /** All queues of one device; an engine for each. */
  readonly queues: readonly TunDevice[];
  /** The verb that runs it, for `status`. */
  readonly command: string;
  readonly environment: PathEnvironment;
  /** When this settles `start` no longer waits to know the proxy: somebody wants to stop. */
  readonly hurry?: Promise<void>;
  /** What there is to say between the engine's start and its end; without it, "ready". */
  readonly state?: () => TunnelState;
  readonly capture?: () => CaptureStatus | undefined;
  /** `ztun down`: begins the end, by which `stop` or `close` is called. */
  readonly stop?: () => void;
  /** `ztun confirm`; throws, with the reason, when there is nothing to confirm. */
  readonly confirm?: () => void;
}

/** How far the engine is. */
interface Phase {
  name: "starting" | "running" | "stopping";
}

export class Tunnel {
  readonly engine: EngineHandle;
  readonly #control: ControlServer;
  readonly #grace: number;
  readonly #phase: Phase;

  /** Serves the device; resolves when packets flow. */
  static async start(options: TunnelOptions): Promise<Tunnel> {
    const { settings, environment, hurry } = options;
    const engine = await chooseEngine(options.queues, settings, options.engine);
    engine.onProxyUnreachable = options.onProxyUnreachable;
    const phase: Phase = { name: "starting" };
    let control: ControlServer | undefined;
    try {
      control = await ControlServer.listen(controlDirectory(environment), {
        status: statusReader(engine, options, phase),
        stop: options.stop,
        confirm: options.confirm,
      });
      await Promise.race([engine.start(), ...(hurry === undefined ? [] : [hurry])]);
      phase.name = "running";
      return new Tunnel(engine, control, settings.timeouts.grace, phase);
    } catch (error) {
      await engine.close();
      await control?.close();
      throw error;
    }
  }

  private constructor(engine: EngineHandle, control: ControlServer, grace: number, phase: Phase) {
    this.engine = engine;
    this.#control = control;
    this.#grace = grace;
    this.#phase = phase;
  }

  /** Settles with the reason when the engine ends by itself. */
  get failed(): Promise<string> {
    return this.engine.failed;
  }

  /** Ends the flows in order, within the grace time. */
  async stop(): Promise<void> {
    this.#phase.name = "stopping";
    await this.engine.stop(this.#grace);
    await this.#control.close();
  }

  /** Ends everything now; also while `stop` is waiting. */
  async close(): Promise<void> {
    this.#phase.name = "stopping";
    await this.engine.close();
    await this.#control.close();
  }
}

function statusReader(
  engine: EngineHandle,
  options: TunnelOptions,
  phase: Phase,
): () => Promise<TunnelStatus> {
  const { settings, queues, command } = options;
  const frame = {
    command,
    version,
    startedAt: performance.now(),
    grace: settings.timeouts.grace,
    device: { name: queues[0]!.name, mtu: settings.tun.mtu, offload: queues[0]!.vnet },
    proxy: settings.proxy,
    engine: engine.name,
    workers: queues.length,
  };
  return async () => {
    const figures = await engine.figures();
    // The device of a command is in a namespace of its own, where it cannot be asked about.
    const dropQueueFull = command === "exec" ? 0 : queueDrops(frame.device.name);
    const counters = { ...figures.counters, dropQueueFull };
    return tunnelStatus({ ...figures, counters }, frame, {
      state: phase.name === "running" ? options.state?.() ?? "ready" : phase.name,
      capture: options.capture?.(),
    });
  };
}
