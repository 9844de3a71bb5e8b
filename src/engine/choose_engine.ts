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
import type { EngineHandle } from "./engine_handle.ts";
import { EngineRefused, WorkerEngine } from "./worker_engine.ts";

/** The engine, made and not started. */
export async function chooseEngine(
  device: TunDevice,
  settings: Settings,
  probe: () => string | undefined = probeUring,
): Promise<EngineHandle> {
  if (settings.engine === "async") return await localEngine(device, settings);
  const refusal = probe() ?? await tryUring(device, settings);
  if (typeof refusal !== "string") return refusal;
  if (settings.engine === "uring") {
    throw new UserError(`The io_uring engine cannot run here: ${refusal}`, {
      hint: "Leave the choice to ztun: --engine auto",
    });
  }
  getLogger(["ztun", "engine"]).info("The async engine serves: {refusal}", { refusal });
  return await localEngine(device, settings);
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

/** Only where it is needed: on the other thread the engine takes its memory a second time. */
async function localEngine(device: TunDevice, settings: Settings): Promise<EngineHandle> {
  const { LocalEngine } = await import("./local_engine.ts");
  return new LocalEngine(device, settings);
}
