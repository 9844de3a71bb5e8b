/** Logging on a thread that is not the main one: records are made here and written there. */

import type { LogSettings } from "../config/settings.ts";
import { type LogLevel, type LogProperties, type LogRecord, setLogTarget } from "../log.ts";

const LEVELS: readonly LogLevel[] = ["trace", "debug", "info", "warning", "error", "fatal"];

/** Hands records to `send`, for `emitRecord` on the main thread. */
export function forwardLogging(settings: LogSettings, send: (record: LogRecord) => void): void {
  const lowest = LEVELS.indexOf(settings.level);
  const isEnabledFor = (_category: readonly string[], level: LogLevel) => {
    return LEVELS.indexOf(level) >= lowest;
  };
  setLogTarget({
    isEnabledFor,
    log: (category, level, rawMessage, properties) => {
      if (!isEnabledFor(category, level)) return;
      const message = partsOf(rawMessage, properties);
      send({ category, level, message, rawMessage, properties, timestamp: Date.now() });
    },
  });
}

/** Texts and the values between them, in turn. */
function partsOf(template: string, properties: LogProperties): unknown[] {
  return template.split(/\{([^{}]+)\}/).map((part, index) => {
    return index % 2 === 0 ? part : properties[part.trim()];
  });
}
