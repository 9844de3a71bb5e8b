/**
 * The pattern as a stream, written and checked at the speed of memory: every byte is compared, four at a
 * time, so that a demo's figure is the tunnel's and not its own.
 */

import { PATTERN_CHUNK } from "./pattern.ts";

const WORDS = new Int32Array(PATTERN_CHUNK.buffer, 0, PATTERN_CHUNK.length / 4);

export interface Received {
  readonly bytes: number;
  /** Every byte was the one that it had to be. */
  readonly intact: boolean;
}

type Source = Pick<Deno.Conn, "read">;
type Sink = Pick<Deno.Conn, "write">;

export async function writePattern(to: Sink, count: number): Promise<void> {
  for (let done = 0; done < count;) {
    const at = done % PATTERN_CHUNK.length;
    const end = Math.min(PATTERN_CHUNK.length, at + count - done);
    done += await to.write(PATTERN_CHUNK.subarray(at, end));
  }
}

/** Reads to the end. `start` are bytes of the stream that were read already. */
export async function readPattern(from: Source, start: Uint8Array): Promise<Received> {
  const ring = new Uint8Array(PATTERN_CHUNK.length);
  const words = new Int32Array(ring.buffer);
  ring.set(start);
  let bytes = start.length;
  let intact = isPattern(ring, words, 0, bytes);
  for (;;) {
    const at = bytes % ring.length;
    const length = await from.read(ring.subarray(at));
    if (length === null) return { bytes, intact };
    intact &&= isPattern(ring, words, at, at + length);
    bytes += length;
  }
}

/** Whether `ring` holds in `[at, end)` what the pattern has there. */
function isPattern(ring: Uint8Array, words: Int32Array, at: number, end: number): boolean {
  const firstWord = Math.min(end, (at + 3) & ~3);
  const lastWord = Math.max(firstWord, end & ~3);
  for (let i = at; i < firstWord; i++) if (ring[i] !== PATTERN_CHUNK[i]) return false;
  for (let i = firstWord >> 2; i < lastWord >> 2; i++) if (words[i] !== WORDS[i]) return false;
  for (let i = lastWord; i < end; i++) if (ring[i] !== PATTERN_CHUNK[i]) return false;
  return true;
}
