/** An engine on a thread of its own, from the main thread's side. */

import { collectGarbage, releaseHeap } from "../../ffi/resident_linux.ts";
import { EventFd } from "../../ffi/event_fd_linux.ts";
import type { TunDevice } from "../../ffi/types.ts";
import type { Settings } from "../config/settings.ts";
import type { LogRecord } from "../log.ts";
import { emitRecord } from "../log/output.ts";
import type { EngineFigures } from "../figures.ts";
import type { EngineHandle, EngineOptions } from "./engine_handle.ts";
import type { FlowSample } from "./flow_sample.ts";
import type { ProxyPath } from "./proxy_path.ts";
import { Questions } from "./questions.ts";
import type { FromWorker, ToWorker } from "./worker_messages.ts";

/** Milliseconds after the start: a collection stops this thread for a moment, when it has just begun. */
const UNTIL_TIDYING = 1_000;

/** The thread's engine cannot be made: another kind may serve. */
export class EngineRefused extends Error {}

export class WorkerEngine implements EngineHandle {
  readonly name: "async" | "uring";
  readonly failed: Promise<string>;
  onProxyUnreachable: (() => void) | undefined = undefined;
  readonly #worker: Worker;
  readonly #wake = new EventFd();
  readonly #sent = new Int32Array(new SharedArrayBuffer(4));
  readonly #settings: Settings;
  readonly #options: EngineOptions;
  readonly #device: TunDevice;
  readonly #log: (record: LogRecord) => void;
  readonly #failed = Promise.withResolvers<string>();
  readonly #made = Promise.withResolvers<void>();
  readonly #started = Promise.withResolvers<void>();
  readonly #ended = Promise.withResolvers<void>();
  readonly #askingFigures = new Questions<EngineFigures>();
  readonly #askingFlow = new Questions<FlowSample | undefined>();
  readonly #following = new Questions<void>();
  #figures: EngineFigures | undefined;
  #hasEnded = false;
  #tidying: ReturnType<typeof setTimeout> | undefined;

  constructor(
    driver: "async" | "uring",
    device: TunDevice,
    settings: Settings,
    options: EngineOptions = {},
    log: (record: LogRecord) => void = emitRecord,
  ) {
    this.name = driver;
    this.failed = this.#failed.promise;
    this.#settings = settings;
    this.#options = options;
    this.#device = device;
    this.#log = log;
    this.#worker = new Worker(new URL("./worker.ts", import.meta.url), { type: "module" });
    this.#worker.onmessage = ({ data }: MessageEvent<FromWorker>) => this.#heard(data);
    this.#worker.onerror = (event) => {
      event.preventDefault();
      this.#broken(event.message);
    };
    this.#started.promise.catch(() => {});
  }

  /** Makes the engine, which serves at once. Rejects with `EngineRefused` when that cannot be here. */
  make(): Promise<void> {
    const { fd, name, vnet, offload } = this.#device;
    this.#send({
      kind: "start",
      driver: this.name as "async" | "uring",
      settings: this.#settings,
      options: this.#options,
      device: { fd, name, vnet, offload },
      wakeFd: this.#wake.fd,
      sent: this.#sent.buffer as SharedArrayBuffer,
    });
    return this.#made.promise;
  }

  start(): Promise<void> {
    return this.#started.promise;
  }

  figures(): Promise<EngineFigures> {
    return this.#ask(this.#askingFigures, { kind: "figures" });
  }

  newestFlow(): Promise<FlowSample | undefined> {
    return this.#ask(this.#askingFlow, { kind: "newestFlow" });
  }

  follow(path: ProxyPath): Promise<void> {
    return this.#ask(this.#following, { kind: "follow", path });
  }

  stop(grace: number): Promise<void> {
    if (!this.#hasEnded) this.#send({ kind: "stop", grace });
    return this.#ended.promise;
  }

  close(): Promise<void> {
    if (!this.#hasEnded) this.#send({ kind: "close" });
    return this.#ended.promise;
  }

  #ask<T>(questions: Questions<T>, message: ToWorker): Promise<T> {
    const answer = questions.ask();
    if (this.#hasEnded) this.#answerAll();
    else this.#send(message);
    return answer;
  }

  /** The count first: the thread must not go to sleep with a message on its way. */
  #send(message: ToWorker): void {
    Atomics.add(this.#sent, 0, 1);
    this.#worker.postMessage(message);
    this.#wake.signal();
  }

  #heard(message: FromWorker): void {
    switch (message.kind) {
      case "made":
        return this.#made.resolve();
      case "started":
        return this.#begin();
      case "refused":
        this.#made.reject(new EngineRefused(message.reason));
        return this.#end();
      case "figures":
        this.#figures = message.figures;
        return this.#askingFigures.answer(message.figures);
      case "newestFlow":
        return this.#askingFlow.answer(message.flow);
      case "followed":
        return this.#following.answer();
      case "unreachable":
        return this.onProxyUnreachable?.();
      case "failed":
        return this.#failed.resolve(message.reason);
      case "closed":
        this.#figures = message.figures;
        return this.#end();
      case "log":
        return this.#log(message.record);
      default:
        return message satisfies never;
    }
  }

  /** What start-up has left on this thread goes: it will have next to nothing to do. */
  #begin(): void {
    this.#started.resolve();
    this.#tidying = setTimeout(() => {
      collectGarbage();
      releaseHeap();
    }, UNTIL_TIDYING);
  }

  /** An error that nobody caught: what the thread held is gone with it. */
  #broken(reason: string): void {
    this.#failed.resolve(reason);
    this.#made.reject(new Error(reason));
    this.#started.reject(new Error(reason));
    this.#end();
  }

  #end(): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    clearTimeout(this.#tidying);
    this.#worker.terminate();
    this.#wake.close();
    this.#answerAll();
    this.#ended.resolve();
  }

  /** With what was known last. */
  #answerAll(): void {
    this.#askingFlow.answerAll(undefined);
    this.#following.answerAll();
    if (this.#figures !== undefined) this.#askingFigures.answerAll(this.#figures);
    else this.#askingFigures.failAll(new Error("The engine has ended"));
  }
}
