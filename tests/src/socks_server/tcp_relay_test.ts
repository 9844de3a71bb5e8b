import { assertEquals } from "@std/assert";
import { BufferPool } from "../../../src/socks_server/buffer_pool.ts";
import { type RelayConnection, relayTcp, startRead } from "../../../src/socks_server/tcp_relay.ts";

/** A connection in memory: gives its pieces, takes a few bytes per write, fails where it is told to. */
class Scripted implements RelayConnection {
  readonly written: number[] = [];
  closedWrite = false;
  readonly #pieces: (number[] | Error)[];
  readonly #breaksAfter: number;

  constructor(pieces: (number[] | Error)[], breaksAfter = Infinity) {
    this.#pieces = pieces;
    this.#breaksAfter = breaksAfter;
  }

  read(into: Uint8Array): Promise<number | null> {
    const piece = this.#pieces.shift();
    if (piece instanceof Error) return Promise.reject(piece);
    if (piece === undefined) return Promise.resolve(null);
    into.set(piece);
    return Promise.resolve(piece.length);
  }

  write(bytes: Uint8Array): Promise<number> {
    if (this.written.length >= this.#breaksAfter) return Promise.reject(new Error("broken pipe"));
    const taken = bytes.subarray(0, 3);
    this.written.push(...taken);
    return Promise.resolve(taken.length);
  }

  closeWrite(): Promise<void> {
    this.closedWrite = true;
    return Promise.resolve();
  }
}

async function relay(client: Scripted, destination: Scripted) {
  const seen = { up: 0, down: 0, halfClosed: 0, broken: 0 };
  const pool = new BufferPool(1 << 20);
  const orderly = await relayTcp(client, destination, startRead(client, pool), pool, {
    movedUp: (n) => void (seen.up += n),
    movedDown: (n) => void (seen.down += n),
    halfClosed: () => void seen.halfClosed++,
    broken: () => void seen.broken++,
  });
  assertEquals(pool.lent, 0);
  return { orderly, ...seen };
}

Deno.test("partial writes are finished, ends cross once", async () => {
  const client = new Scripted([[1, 2, 3, 4, 5], [6]]);
  const destination = new Scripted([[7, 8, 9, 10]]);
  assertEquals(await relay(client, destination), {
    orderly: true,
    up: 6,
    down: 4,
    halfClosed: 1,
    broken: 0,
  });
  assertEquals(destination.written, [1, 2, 3, 4, 5, 6]);
  assertEquals(client.written, [7, 8, 9, 10]);
  assertEquals([client.closedWrite, destination.closedWrite], [true, true]);
});

Deno.test("a failure of either side is told once, and nothing is closed in order there", async () => {
  const client = new Scripted([[1], new Error("reset")]);
  const destination = new Scripted([[2, 2, 2, 2, 2, 2], [3]], Infinity);
  const broken = await relay(client, destination);
  assertEquals([broken.orderly, broken.broken], [false, 1]);
  assertEquals(destination.closedWrite, false);

  const deaf = await relay(new Scripted([]), new Scripted([[1, 2, 3, 4]], 0));
  assertEquals(deaf.orderly, true);
  const refusing = await relay(new Scripted([[1, 2, 3, 4]]), new Scripted([], 3));
  assertEquals([refusing.orderly, refusing.broken], [false, 1]);
});
