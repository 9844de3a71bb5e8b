/**
 * Bytes between two TCP connections, both ways at once, until both ways have ended.
 *
 * Each direction is a loop of read, write, and `closeWrite` at the end, so a half-close crosses as one.
 * (The connections' web streams would free both directions at the first end.) When anything fails, both
 * sides are reset: a reset crosses as a reset.
 */

import type { BufferPool, RelayBuffer } from "./buffer_pool.ts";

/** What a relay needs of `Deno.TcpConn`. */
export interface RelayConnection {
  read(into: Uint8Array): Promise<number | null>;
  write(bytes: Uint8Array): Promise<number>;
  closeWrite(): Promise<void>;
}

/** A read that was started before the relay: what the client sends while we connect. */
export interface StartedRead {
  readonly buffer: RelayBuffer;
  readonly result: Promise<number | null>;
}

export interface RelayObserver {
  /** Bytes went from the client to the destination. */
  movedUp(bytes: number): void;
  movedDown(bytes: number): void;
  /** One direction has ended, the other goes on. */
  halfClosed(): void;
  /** A side failed: both connections are to be ended at once, with a reset. */
  broken(): void;
}

/** Starts a read into a small buffer. Its failure is seen by whoever awaits it, or by nobody. */
export function startRead(connection: RelayConnection, pool: BufferPool): StartedRead {
  const buffer = pool.first();
  const result = connection.read(buffer);
  result.catch(() => {});
  return { buffer, result };
}

/**
 * Resolves when neither direction goes on: true when both ended in order, false when one failed.
 * `broken` closes both connections, which ends the other direction too.
 */
export async function relayTcp(
  client: RelayConnection,
  destination: RelayConnection,
  started: StartedRead,
  pool: BufferPool,
  observer: RelayObserver,
): Promise<boolean> {
  let ended = 0;
  let failed = false;
  const end = () => {
    if (++ended === 1) observer.halfClosed();
  };
  const fail = () => {
    if (!failed) observer.broken();
    failed = true;
  };
  const answers = startRead(destination, pool);
  await Promise.all([
    pump(client, destination, started, pool, (n) => observer.movedUp(n)).then(end, fail),
    pump(destination, client, answers, pool, (n) => observer.movedDown(n)).then(end, fail),
  ]);
  return !failed;
}

async function pump(
  from: RelayConnection,
  to: RelayConnection,
  started: StartedRead,
  pool: BufferPool,
  moved: (bytes: number) => void,
): Promise<void> {
  let buffer = started.buffer;
  try {
    let read = await started.result;
    while (read !== null) {
      moved(read);
      await writeAll(to, buffer, read);
      buffer = pool.next(buffer, read);
      read = await from.read(buffer);
    }
  } finally {
    pool.release(buffer);
  }
  await to.closeWrite();
}

/** `write` may take a part only. */
export async function writeAll(
  to: RelayConnection,
  bytes: Uint8Array,
  length: number,
): Promise<void> {
  let at = 0;
  while (at < length) {
    at += await to.write(at === 0 && length === bytes.length ? bytes : bytes.subarray(at, length));
  }
}
