/**
 * Tries to connect, again and again, until a byte has come back. Prints `ready` before the first attempt,
 * and in the end the time of day in milliseconds.
 *
 *     first_byte.ts IP:PORT
 *
 * Attempts overlap: one that met a tunnel half up may wait a second for its next packet, and must not
 * keep the others waiting.
 */

import { parseEndpoint } from "./endpoint.ts";
import { say, sayResult } from "./say.ts";

/** After an attempt that failed at once. */
const EVERY_MS = 2;
const OVERLAP_MS = 50;
const { host: hostname, port } = parseEndpoint(Deno.args[0]!);

async function attempt(): Promise<void> {
  try {
    using connection = await Deno.connect({ hostname, port });
    connection.setNoDelay();
    await connection.write(new Uint8Array(1));
    if (await connection.read(new Uint8Array(1)) !== 1) return;
    sayResult({ at: performance.timeOrigin + performance.now() });
    Deno.exit(0);
  } catch {
    // Not yet: no device, no route, or nobody behind it.
  }
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

say("ready");
while (true) {
  await Promise.race([attempt(), pause(OVERLAP_MS)]);
  await pause(EVERY_MS);
}
