/** An engine on the main thread: the async one, which needs no more than the event loop. */

import type { TunDevice } from "../../ffi/types.ts";
import type { Settings } from "../config/settings.ts";
import type { EngineFigures } from "../figures.ts";
import { Engine } from "./engine.ts";
import type { EngineHandle, EngineOptions } from "./engine_handle.ts";
import { figuresOf } from "./figures.ts";
import type { FlowSample } from "./flow_sample.ts";
import type { ProxyPath } from "./proxy_path.ts";

export class LocalEngine implements EngineHandle {
  readonly name = "async";
  onProxyUnreachable: (() => void) | undefined = undefined;
  readonly #engine: Engine;

  constructor(device: TunDevice, settings: Settings, options: EngineOptions = {}) {
    this.#engine = new Engine(device, settings, undefined, options);
    // The engine is in the middle of something, and whoever hears it may want to tell it something.
    this.#engine.dialer.onUnreachable = () => queueMicrotask(() => this.onProxyUnreachable?.());
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

  newestFlow(): Promise<FlowSample | undefined> {
    return Promise.resolve(this.#engine.newestFlow());
  }

  follow(path: ProxyPath): Promise<void> {
    this.#engine.follow(path);
    return Promise.resolve();
  }

  stop(grace: number): Promise<void> {
    return this.#engine.stop(grace);
  }

  close(): Promise<void> {
    return this.#engine.close();
  }
}
