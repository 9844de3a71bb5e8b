/**
 * What becomes of log lines on the main thread: LogTape, set up once by the command line.
 *
 * Lines go out as they are written, through the function that is handed in (stderr): the last line before
 * a crash is there, and nothing here holds the process open.
 */

import {
  configureSync,
  getLogger as getTapeLogger,
  type LogLevel,
  type LogRecord,
  resetSync,
} from "@logtape/logtape";
import { printable, redactUrls } from "../config/quote.ts";
import type { LogSettings } from "../config/settings.ts";
import { type LogTarget, setLogTarget } from "../log.ts";

/** What a line of the text format may stand out in; `cli/terminal.ts` knows the colours. */
export type LogStyle = "error" | "warning" | "success" | "name" | "dim";

/** Puts a style around a text, or gives the text back as it is. */
export type Paint = (style: LogStyle, text: string) => string;

export interface LogOutput {
  /** Writes lines, each ended by a line feed; must not throw. */
  write(text: string): void;
  /** Colours of the text format. */
  paint: Paint;
}

/** Sends what the settings ask for to `output`; a second call takes the place of the first. */
export function configureLogging(settings: LogSettings, output: LogOutput): void {
  const format = settings.format === "json"
    ? formatJson
    : (record: LogRecord) => formatText(record, output.paint);
  configure(settings, (record) => output.write(`${format(record)}\n`));
  setLogTarget(tape);
}

const tape: LogTarget = {
  isEnabledFor: (category, level) => getTapeLogger(category).isEnabledFor(level),
  log: (category, level, message, properties) => {
    getTapeLogger(category)[level](message, properties);
  },
};

/** A record that was made elsewhere. */
export function emitRecord(record: LogRecord): void {
  getTapeLogger(record.category).emit(record);
}

function configure(settings: LogSettings, output: (record: LogRecord) => void): void {
  configureSync({
    reset: true,
    sinks: { output },
    loggers: [
      { category: ["ztun"], lowestLevel: settings.level, sinks: ["output"] },
      // What LogTape has to say about itself would greet every user at start.
      { category: ["logtape", "meta"], lowestLevel: "error", sinks: ["output"] },
    ],
  });
}

/** Silence, as before `configureLogging`. */
export function resetLogging(): void {
  setLogTarget(undefined);
  resetSync();
}

/** `2026-01-31T12:00:00.000Z info    tunnel: Proxy relays UDP host=192.0.2.1`. */
export function formatText(record: LogRecord, paint: Paint): string {
  const level = record.level.padEnd(7);
  const area = record.category.slice(1).join(".");
  let line = `${paint("dim", timeOf(record))} ${paintLevel(record.level, level, paint)} `;
  if (area !== "") line += `${paint("name", area)}: `;
  line += messageOf(record);
  for (const [key, value] of extraProperties(record)) {
    line += ` ${paint("dim", `${printable(key)}=`)}${textOf(value)}`;
  }
  return line;
}

/** One object per line: `time`, `level`, `area`, `message`, then the properties under `data`. */
export function formatJson(record: LogRecord): string {
  const data = Object.entries(record.properties).map(([key, value]) => {
    return [key, isSecret(key) ? HIDDEN : plainOf(value)];
  });
  return JSON.stringify({
    time: timeOf(record),
    level: record.level,
    area: record.category.slice(1).join("."),
    message: messageOf(record),
    ...(data.length === 0 ? {} : { data: Object.fromEntries(data) }),
  });
}

const HIDDEN = "(hidden)";

function isSecret(key: string): boolean {
  return /passw|secret|credential|token/i.test(key);
}

function timeOf(record: LogRecord): string {
  return new Date(record.timestamp).toISOString();
}

function paintLevel(level: LogLevel, text: string, paint: Paint): string {
  const styles: Partial<Record<LogLevel, LogStyle>> = {
    fatal: "error",
    error: "error",
    warning: "warning",
    info: "success",
  };
  return paint(styles[level] ?? "dim", text);
}

/** Odd parts are values, in the order of the template's placeholders. */
function messageOf(record: LogRecord): string {
  const names = placeholders(record);
  const text = record.message.map((part, index) => {
    if (index % 2 === 0) return String(part);
    return isSecret(names[(index - 1) / 2] ?? "") ? HIDDEN : bare(part);
  });
  return printable(redactUrls(text.join("")));
}

function placeholders(record: LogRecord): string[] {
  if (typeof record.rawMessage !== "string") return [];
  return [...record.rawMessage.matchAll(/\{([^{}]+)\}/g)].map((match) => match[1]?.trim() ?? "");
}

/** Properties that the message has not said already. */
function extraProperties(record: LogRecord): [string, unknown][] {
  const said = new Set(placeholders(record));
  return Object.entries(record.properties)
    .filter(([key]) => !said.has(key))
    .map(([key, value]) => [key, isSecret(key) ? HIDDEN : value]);
}

/** In quotation marks where the eye, or `cut`, would take it for two values. */
function textOf(value: unknown): string {
  const text = redactUrls(bare(value));
  return /^[^\s"=]+$/.test(text) ? printable(text) : JSON.stringify(text);
}

function bare(value: unknown): string {
  const plain = plainOf(value);
  return typeof plain === "string" ? plain : JSON.stringify(plain) ?? String(plain);
}

/** A value as JSON can hold it; an error as its messages. */
function plainOf(value: unknown): unknown {
  if (value instanceof Error) return chainOf(value);
  if (typeof value === "bigint") return String(value);
  if (typeof value === "string") return redactUrls(value);
  if (typeof value !== "object" || value === null) return value;
  try {
    return JSON.parse(JSON.stringify(value, hideSecrets)) as unknown;
  } catch {
    // A cycle: an object that was not made for logging.
    return String(value);
  }
}

function hideSecrets(key: string, value: unknown): unknown {
  if (isSecret(key)) return HIDDEN;
  if (value instanceof Error) return chainOf(value);
  if (typeof value === "string") return redactUrls(value);
  return typeof value === "bigint" ? String(value) : value;
}

/** A chain of causes longer than this is a loop. */
const DEEPEST = 16;

function chainOf(error: Error): string {
  const messages: string[] = [];
  let next: unknown = error;
  while (next instanceof Error && messages.length < DEEPEST) {
    messages.push(next.message || next.name);
    next = next.cause;
  }
  return redactUrls(messages.join(": "));
}
