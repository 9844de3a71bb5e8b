/**
 * Which engine serves a device: the fastest that this system allows, or the one that was asked for.
 *
 * Whether io_uring works is found out by trying: sandboxes forbid it, limits keep its queues small, and
 * kernels are old. Nothing is lost without it but speed.
 */

import { probeUring } from "../../ffi/uring_probe_linux.ts";
import type { TunDevice } from "../../ffi/types.ts";
import type { Settings } from "../config/settings.ts";
import { UserError } from "../errors.ts";
import { getLogger } from "../log.ts";
import { Engine } from "./engine.ts";
import type { EngineHandle } from "./engine_handle.ts";
import type { EngineFigures } from "../figures.ts";
import { figuresOf } from "./figures.ts";
import { EngineRefused, WorkerEngine } from "./worker_engine.ts";

/** The engine, made and not started. */
export async function chooseEngine(
  device: TunDevice,
  settings: Settings,
  probe: () => string | undefined = probeUring,
): Promise<EngineHandle> {
  if (settings.engine === "async") return new LocalEngine(device, settings);
  const refusal = probe() ?? await tryUring(device, settings);
  if (typeof refusal !== "string") return refusal;
  if (settings.engine === "uring") {
    throw new UserError(`The io_uring engine cannot run here: ${refusal}`, {
      hint: "Leave the choice to ztun: --engine auto",
    });
  }
  getLogger(["ztun", "engine"]).info("The async engine serves: {refusal}", { refusal });
  return new LocalEngine(device, settings);
}

async function tryUring(device: TunDevice, settings: Settings): Promise<EngineHandle | string> {
  const engine = new WorkerEngine("uring", device, settings);
  try {
    await engine.make();
    return engine;
  } catch (error) {
    await engine.close();
    if (error instanceof EngineRefused) return error.message;
    throw error;
  }
}

/** The async engine needs the event loop only, and shares it with everything else. */
class LocalEngine implements EngineHandle {
  readonly name = "async";
  readonly #engine: Engine;

  constructor(device: TunDevice, settings: Settings) {
    this.#engine = new Engine(device, settings);
  }

  get failed(): Promise<string> {
    return this.#engine.failed;
  }

  start(): Promise<void> {
    return this.#engine.start();
  }

  figures(): Promise<EngineFigures> {
    return Promise.resolve(figuresOf(this.#engine));
  }

  stop(grace: number): Promise<void> {
    return this.#engine.stop(grace);
  }

  close(): Promise<void> {
    return this.#engine.close();
  }
}
