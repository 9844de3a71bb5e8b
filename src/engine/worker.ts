/** An engine's thread: makes the engine that it is told to make, and does as it is told. */

import { EventFd } from "../../ffi/event_fd_linux.ts";
import { SysError } from "../../ffi/libc.ts";
import { forwardLogging } from "../log/forward.ts";
import { AsyncDriver } from "./async_driver.ts";
import type { Driver, DriverParts } from "./driver.ts";
import { Engine } from "./engine.ts";
import { figuresOf } from "./figures.ts";
import { UringDriver } from "./uring_driver.ts";
import type { FromWorker, ToWorker } from "./worker_messages.ts";

/** What a worker's global scope has, and a window's has not. */
interface WorkerScope {
  onmessage: ((event: MessageEvent<ToWorker>) => void) | null;
  postMessage(message: FromWorker): void;
}

const scope = globalThis as unknown as WorkerScope;

let engine: Engine | undefined;
let received = 0;

scope.onmessage = ({ data }) => {
  received++;
  void obey(data);
};

async function obey(message: ToWorker): Promise<void> {
  switch (message.kind) {
    case "start":
      return await start(message);
    case "figures":
      return scope.postMessage({ kind: "figures", figures: figuresOf(engine!) });
    case "newestFlow":
      return scope.postMessage({ kind: "newestFlow", flow: engine!.newestFlow() });
    case "follow":
      engine!.follow(message.path);
      return scope.postMessage({ kind: "followed" });
    case "stop":
      holdEventLoop();
      await engine!.stop(message.grace);
      return closed();
    case "close":
      holdEventLoop();
      await engine?.close();
      return closed();
    default:
      return message satisfies never;
  }
}

/** For good: the engine ends in promises. */
function holdEventLoop(): void {
  engine?.driver.holdEventLoop();
}

function closed(): void {
  scope.postMessage({ kind: "closed", figures: engine && figuresOf(engine) });
}

async function start(message: Extract<ToWorker, { kind: "start" }>): Promise<void> {
  const { settings, options, device } = message;
  forwardLogging(settings.log, (record) => scope.postMessage({ kind: "log", record }));
  const sent = new Int32Array(message.sent);
  const outside = {
    wake: new EventFd(message.wakeFd),
    expectsMessage: () => Atomics.load(sent, 0) !== received,
  };
  const makeDriver = (parts: DriverParts): Driver => {
    return message.driver === "uring" ? new UringDriver(parts, outside) : new AsyncDriver(parts);
  };
  try {
    engine = new Engine({ ...device, close: () => {} }, settings, makeDriver, options);
  } catch (error) {
    if (!(error instanceof SysError)) throw error;
    return scope.postMessage({ kind: "refused", reason: error.message });
  }
  engine.dialer.onUnreachable = () => scope.postMessage({ kind: "unreachable" });
  scope.postMessage({ kind: "made" });
  void engine.failed.then((reason) => scope.postMessage({ kind: "failed", reason }));
  await engine.start();
  scope.postMessage({ kind: "started" });
}
