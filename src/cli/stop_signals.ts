/** SIGINT and SIGTERM as promises: the first asks for an orderly end, the second for an immediate one. */

import type { Environment } from "./environment.ts";

const SIGNALS = ["SIGINT", "SIGTERM"] as const;

export interface StopSignals {
  readonly first: Promise<void>;
  readonly second: Promise<void>;
  /** Whether there was a first one. */
  readonly received: boolean;
  /** Gives the signals back to the system. */
  release(): void;
}

export function stopSignals(
  environment: Pick<Environment, "addSignalListener" | "removeSignalListener">,
): StopSignals {
  const first = Promise.withResolvers<void>();
  const second = Promise.withResolvers<void>();
  let count = 0;
  const listener = () => (++count === 1 ? first : second).resolve();
  for (const signal of SIGNALS) environment.addSignalListener(signal, listener);
  return {
    first: first.promise,
    second: second.promise,
    get received() {
      return count > 0;
    },
    release() {
      for (const signal of SIGNALS) environment.removeSignalListener(signal, listener);
    },
  };
}
