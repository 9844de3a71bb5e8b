/** Queries, answers, and random numbers that repeat. */

import { set16 } from "../../../src/bytes.ts";
import { writeFlags, writeId } from "../../../src/wire/dns.ts";

/** A query for `<label>.example`, without EDNS. */
export function queryOf(id: number, label: string, type = 1): Uint8Array {
  const name = [label, "example"].flatMap((part) => {
    return [part.length, ...new TextEncoder().encode(part)];
  });
  const bytes = Uint8Array.from([0, 0, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, ...name, 0, 0, type, 0, 1]);
  writeId(bytes, 0, id);
  return bytes;
}

/** What a server answers that has no records: the query, with QR and RA set. */
export function answerTo(query: Uint8Array, padding = 0): Uint8Array {
  const bytes = new Uint8Array(query.length + padding);
  bytes.set(query);
  writeFlags(bytes, 0, 0x8180);
  return bytes;
}

/** A message as TCP carries it. */
export function framed(...messages: Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(messages.reduce((sum, message) => sum + 2 + message.length, 0));
  let at = 0;
  for (const message of messages) {
    set16(bytes, at, message.length);
    bytes.set(message, at + 2);
    at += 2 + message.length;
  }
  return bytes;
}

/** A linear congruential generator: the upper half of its state is random enough for a test. */
export function random16(seed = 1): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state >>> 16;
  };
}
