/** Captured messages with a few bytes changed, and buffers that tell when they are read outside. */

import { assert } from "@std/assert";
import fc from "fast-check";
import { cookieAnswer, exchanges, hostile, longestName } from "./messages.ts";

const seeds = [
  ...exchanges.flatMap(({ query, answer }) => [query, answer]),
  ...Object.values(hostile),
  cookieAnswer,
  longestName,
];

/** Evenly from 0 to 1, which `fc.double` is not: it spreads over exponents, and nearly all are tiny. */
export const fraction = fc.nat(10_000).map((n) => n / 10_000);

const change = fc.record({
  where: fraction,
  value: fc.oneof(fc.constantFrom(0, 1, 0x29, 0x3f, 0x40, 0xc0, 0xff), fc.nat(255)),
});

/** A capture with up to eight bytes changed (where compression and counts are, often) and cut. */
export function mutated(): fc.Arbitrary<Uint8Array> {
  return fc.tuple(
    fc.constantFrom(...seeds),
    fc.array(change, { maxLength: 8 }),
    fc.oneof(fc.constant(1), fraction),
  ).map(([seed, changes, kept]) => {
    const message = seed.slice(0, Math.ceil(seed.length * kept));
    for (const { where, value } of changes) {
      if (message.length > 0) message[Math.floor(where ** 2 * (message.length - 1))] = value;
    }
    return message;
  });
}

export interface Watched {
  bytes: Uint8Array;
  at: number;
  end: number;
  /** Reads so far. */
  reads(): number;
}

/** The message inside a larger buffer; reading an index outside `[at, end)` fails the test. */
export function watched(message: Uint8Array): Watched {
  const at = 7;
  const end = at + message.length;
  const target = new Uint8Array(end + 9).fill(0xc0);
  target.set(message, at);
  let reads = 0;
  const bytes = new Proxy(target, {
    get(inner, key) {
      if (typeof key === "string" && /^-?\d+$/.test(key)) {
        reads++;
        const index = Number(key);
        assert(index >= at && index < end, `read at ${index - at} of ${message.length} bytes`);
        return inner[index];
      }
      const member: unknown = Reflect.get(inner, key, inner);
      return typeof member === "function" ? member.bind(inner) : member;
    },
    set(inner, key, value) {
      const index = Number(key);
      assert(index >= at && index < end, `write at ${index - at} of ${message.length} bytes`);
      return Reflect.set(inner, key, value, inner);
    },
  });
  return { bytes, at, end, reads: () => reads };
}
