/**
 * Which engine serves a device: the fastest that this system allows, or the one that was asked for.
 *
 * Whether io_uring works is found out by trying: sandboxes forbid it, limits keep its queues small, and
 * kernels are old. Nothing is lost without it but speed.
 */

import { requireMark } from "../../ffi/socket_mark_linux.ts";
import { probeUring } from "../../ffi/uring_probe_linux.ts";
import type { TunDevice } from "../../ffi/types.ts";
import type { Settings } from "../config/settings.ts";
import { UserError } from "../errors.ts";
import { getLogger } from "../log.ts";
import { emitRecord } from "../log/output.ts";
import { EngineGroup, shareOf } from "./engine_group.ts";
import type { EngineHandle, EngineOptions } from "./engine_handle.ts";
import { LogEcho } from "./log_echo.ts";
import { EngineRefused, WorkerEngine } from "./worker_engine.ts";

/**
 * The engine for all queues of a device, made and not started. Each of several has a thread of its own.
 * Throws a `UserError` that says what is missing when its sockets cannot have the mark.
 */
export async function chooseEngine(
  queues: readonly TunDevice[],
  settings: Settings,
  options: EngineOptions = {},
  probe: () => string | undefined = probeUring,
): Promise<EngineHandle> {
  requireMark(options.mark ?? 0);
  if (settings.engine === "async") return await asyncEngine(queues, settings, options);
  const refusal = probe() ?? await tryUring(queues, settings, options);
  if (typeof refusal !== "string") return refusal;
  if (settings.engine === "uring") {
    throw new UserError(`The io_uring engine cannot run here: ${refusal}`, {
      hint: "Leave the choice to ztun: --engine auto",
    });
  }
  getLogger(["ztun", "engine"]).info("The async engine serves: {refusal}", { refusal });
  return await asyncEngine(queues, settings, options);
}

async function tryUring(
  queues: readonly TunDevice[],
  settings: Settings,
  options: EngineOptions,
): Promise<EngineHandle | string> {
  try {
    return await makeWorkers("uring", queues, settings, options);
  } catch (error) {
    if (error instanceof EngineRefused) return error.message;
    throw error;
  }
}

async function asyncEngine(
  queues: readonly TunDevice[],
  settings: Settings,
  options: EngineOptions,
): Promise<EngineHandle> {
  if (queues.length > 1) return await makeWorkers("async", queues, settings, options);
  // Only where it is needed: on the other threads the engine takes its memory once more.
  const { LocalEngine } = await import("./local_engine.ts");
  return new LocalEngine(queues[0]!, settings, options);
}

/** All or none. */
async function makeWorkers(
  driver: "async" | "uring",
  queues: readonly TunDevice[],
  settings: Settings,
  options: EngineOptions,
): Promise<EngineHandle> {
  const echo = new LogEcho();
  const share = shareOf(settings, queues.length);
  const workers = queues.map((queue, number) =>
    new WorkerEngine(driver, queue, share, options, (record) => {
      if (!echo.isEcho(record, number)) emitRecord(record);
    })
  );
  // Of all of them: one that is still being made cannot be closed.
  const answers = await Promise.allSettled(workers.map((worker) => worker.make()));
  const refused = answers.find((answer) => answer.status === "rejected");
  const group = new EngineGroup(workers);
  if (refused === undefined) return group;
  await group.close();
  throw refused.reason;
}
