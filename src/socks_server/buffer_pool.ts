/**
 * Buffers that fit what a connection carries. A pending read pins its buffer for as long as nothing comes,
 * so a connection starts with a small one, gets a bigger one each time a read fills it, and a smaller one
 * when a read leaves most of it empty: ten thousand idle connections hold 2 KiB a direction, a busy one
 * reads 256 KiB at a time.
 *
 * The two big sizes are kept for reuse (a fresh 256 KiB costs 64 page faults) and counted against one
 * budget; when it is spent, nobody gets more than a medium one.
 */

const SIZES: readonly number[] = [2048, 16_384, 65_536, 262_144];
const FIRST_COUNTED = 2;

/** A read that fills less than this part of its buffer is served by the next smaller one. */
const SHRINK_BELOW = 8;

export type RelayBuffer = Uint8Array<ArrayBuffer>;

export class BufferPool {
  readonly #budget: number;
  /** Free buffers of the counted sizes, by level; bounded because they stay in `#counted`. */
  readonly #free: RelayBuffer[][] = SIZES.map(() => []);
  /** Bytes of counted buffers, lent and free. */
  #counted = 0;
  /** Bytes of counted buffers that are lent. */
  #lent = 0;

  constructor(budget: number) {
    this.#budget = budget;
  }

  /** Bytes of big buffers in use. */
  get lent(): number {
    return this.#lent;
  }

  first(): RelayBuffer {
    return this.#take(0);
  }

  /** The buffer for the read after one that put `used` bytes into `buffer`, which is given back. */
  next(buffer: RelayBuffer, used: number): RelayBuffer {
    const level = SIZES.indexOf(buffer.length);
    if (used === buffer.length) return this.#grow(buffer, level);
    if (level === 0 || used * SHRINK_BELOW > buffer.length) return buffer;
    this.release(buffer);
    return this.#take(level - 1);
  }

  /** Takes a buffer back. Nobody may use it any more, a pending read included. */
  release(buffer: RelayBuffer): void {
    const level = SIZES.indexOf(buffer.length);
    if (level < FIRST_COUNTED) return;
    this.#lent -= buffer.length;
    this.#free[level]?.push(buffer);
  }

  /** Lets go of what is kept for reuse. */
  trim(): void {
    for (const free of this.#free) {
      for (const buffer of free) this.#counted -= buffer.length;
      free.length = 0;
    }
  }

  #grow(buffer: RelayBuffer, level: number): RelayBuffer {
    const size = SIZES[level + 1];
    if (size === undefined || !this.#affordable(level + 1, size)) return buffer;
    this.release(buffer);
    return this.#take(level + 1);
  }

  #affordable(level: number, size: number): boolean {
    if (level < FIRST_COUNTED || (this.#free[level]?.length ?? 0) > 0) return true;
    if (this.#counted + size > this.#budget) this.trim();
    return this.#counted + size <= this.#budget;
  }

  #take(level: number): RelayBuffer {
    const size = SIZES[level] ?? 0;
    if (level < FIRST_COUNTED) return new Uint8Array(size);
    this.#lent += size;
    const free = this.#free[level]?.pop();
    if (free !== undefined) return free;
    this.#counted += size;
    return new Uint8Array(size);
  }
}
