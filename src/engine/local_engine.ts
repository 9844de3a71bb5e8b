/** An engine on the main thread: the async one, which needs no more than the event loop. */

import type { TunDevice } from "../../ffi/types.ts";
import type { Settings } from "../config/settings.ts";
import type { EngineFigures } from "../figures.ts";
import { Engine } from "./engine.ts";
import type { EngineHandle } from "./engine_handle.ts";
import { figuresOf } from "./figures.ts";

export class LocalEngine implements EngineHandle {
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
