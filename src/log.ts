/**
 * Logging, as everybody but the command line sees it: one logger per area.
 *
 *   const log = getLogger(["ztun", "tunnel"]);
 *   log.info("Proxy {host} relays UDP", { host });
 *
 * Where lines go is set up once for each thread: on the main one by `log/output.ts`, on others by
 * `log/forward.ts`. Before that, and in tests, nothing is written. LogTape is loaded by the first only:
 * on every other thread it would take its memory, and its time at the start, once more.
 *
 * Test `log.isEnabledFor("debug")` before building anything costly; never log per packet. Secrets have no
 * place in a message; a property that is named like one is hidden.
 */

import type { LogLevel } from "@logtape/logtape";

export type { LogLevel, LogRecord } from "@logtape/logtape";

/** What the message names in braces, and more. */
export type LogProperties = Record<string, unknown>;

/** Where a thread's lines go. */
export interface LogTarget {
  isEnabledFor(category: readonly string[], level: LogLevel): boolean;
  log(
    category: readonly string[],
    level: LogLevel,
    message: string,
    properties: LogProperties,
  ): void;
}

let target: LogTarget | undefined;

/** `undefined` is silence. */
export function setLogTarget(to: LogTarget | undefined): void {
  target = to;
}

/** It may be made before the target is set. */
export function getLogger(category: readonly string[]): Logger {
  return new Logger(category);
}

export class Logger {
  readonly #category: readonly string[];

  constructor(category: readonly string[]) {
    this.#category = category;
  }

  isEnabledFor(level: LogLevel): boolean {
    return target?.isEnabledFor(this.#category, level) ?? false;
  }

  debug(message: string, properties: LogProperties = {}): void {
    target?.log(this.#category, "debug", message, properties);
  }

  info(message: string, properties: LogProperties = {}): void {
    target?.log(this.#category, "info", message, properties);
  }

  warn(message: string, properties: LogProperties = {}): void {
    target?.log(this.#category, "warning", message, properties);
  }

  error(message: string, properties: LogProperties = {}): void {
    target?.log(this.#category, "error", message, properties);
  }
}

/** A logger of whole lines, in which braces name nothing: commands and other people's words. */
export class LineLog {
  readonly #logger: Logger;

  constructor(category: readonly string[]) {
    this.#logger = getLogger(category);
  }

  debug(line: string): void {
    this.#logger.debug("{line}", { line });
  }

  warn(line: string): void {
    this.#logger.warn("{line}", { line });
  }
}
