/**
 * Engines of one tunnel find out the same things about its proxy, each for itself: what one has just said
 * the others need not repeat.
 */

import type { LogRecord } from "../log.ts";

/** Records of the same text within this time are about the same event. */
const SAME_EVENT = 10_000;
/** Texts that are kept; the oldest goes. Those that differ every time are not worth more. */
const KEPT = 64;

interface Said {
  readonly by: number;
  readonly at: number;
}

export class LogEcho {
  /** By level and text, in the order of time. */
  readonly #said = new Map<string, Said>();

  /** Whether another engine has said this already. Details are each engine's own. */
  isEcho(record: LogRecord, engine: number): boolean {
    if (record.level === "trace" || record.level === "debug") return false;
    const text = `${record.level} ${record.message.join("")}`;
    const said = this.#said.get(text);
    const fresh = said !== undefined && record.timestamp - said.at < SAME_EVENT;
    if (fresh && said.by !== engine) return true;
    this.#said.delete(text);
    this.#said.set(text, { by: engine, at: record.timestamp });
    if (this.#said.size > KEPT) this.#said.delete(this.#said.keys().next().value!);
    return false;
  }
}
