/**
 * The memory that packets live in: one block, cut into large and small slots, counted references.
 *
 * A packet is a pair of offsets into `bytes`. Who keeps a range past the call that brought it retains
 * the slot and releases it when done; a slot is free when nobody holds it. The block is given from
 * outside (memory that the kernel may write to, or a plain buffer in a test), so nothing here does I/O.
 *
 * Two sizes, because an idle flow must not pin 64 KiB: large slots hold a super-segment, small ones an
 * ordinary packet or a short answer.
 */

/** A super-segment with its virtio header is 65 545 bytes; 17 pages keep slots page-aligned. */
export const LARGE_SLOT = 17 * 4096;
export const SMALL_SLOT = 2048;

export class Arena {
  readonly bytes: Uint8Array;
  readonly largeCount: number;
  readonly smallCount: number;
  readonly #smallBase: number;
  readonly #references: Uint16Array;
  readonly #free: Int32Array;
  #freeLarge: number;
  #freeSmall: number;

  /** How many bytes a block for so many slots has. */
  static size(largeCount: number, smallCount: number): number {
    return largeCount * LARGE_SLOT + smallCount * SMALL_SLOT;
  }

  constructor(bytes: Uint8Array, largeCount: number, smallCount: number) {
    if (bytes.length < Arena.size(largeCount, smallCount)) {
      throw new RangeError(`Cannot cut the slots: ${bytes.length} bytes are too few`);
    }
    this.bytes = bytes;
    this.largeCount = largeCount;
    this.smallCount = smallCount;
    this.#smallBase = largeCount * LARGE_SLOT;
    this.#references = new Uint16Array(largeCount + smallCount);
    this.#free = new Int32Array(largeCount + smallCount);
    this.#freeLarge = largeCount;
    this.#freeSmall = smallCount;
    // Stacks, lowest slot on top: what was used last is used next, and untouched memory stays untouched.
    for (let i = 0; i < largeCount; i++) this.#free[i] = largeCount - 1 - i;
    for (let i = 0; i < smallCount; i++) {
      this.#free[largeCount + i] = largeCount + smallCount - 1 - i;
    }
  }

  /** Takes a large slot with one reference; its offset, or -1 when all are in use. */
  takeLarge(): number {
    if (this.#freeLarge === 0) return -1;
    const slot = this.#free[--this.#freeLarge]!;
    this.#references[slot] = 1;
    return slot * LARGE_SLOT;
  }

  /** Takes a small slot with one reference; its offset, or -1 when all are in use. */
  takeSmall(): number {
    if (this.#freeSmall === 0) return -1;
    const slot = this.#free[this.largeCount + --this.#freeSmall]!;
    this.#references[slot] = 1;
    return this.#smallBase + (slot - this.largeCount) * SMALL_SLOT;
  }

  /** One more holder of the slot that `at` lies in. */
  retain(at: number): void {
    this.#references[this.#slotOf(at)]!++;
  }

  /** One holder fewer; the last one frees the slot. */
  release(at: number): void {
    const slot = this.#slotOf(at);
    const left = this.#references[slot]! - 1;
    if (left < 0) throw new Error("Cannot release a slot that nobody holds");
    this.#references[slot] = left;
    if (left > 0) return;
    if (slot < this.largeCount) this.#free[this.#freeLarge++] = slot;
    else this.#free[this.largeCount + this.#freeSmall++] = slot;
  }

  /** How many hold the slot that `at` lies in. */
  references(at: number): number {
    return this.#references[this.#slotOf(at)]!;
  }

  /** The size of the slot that `at` lies in. */
  slotSize(at: number): number {
    return at < this.#smallBase ? LARGE_SLOT : SMALL_SLOT;
  }

  get freeLarge(): number {
    return this.#freeLarge;
  }

  get freeSmall(): number {
    return this.#freeSmall;
  }

  get bytesInUse(): number {
    return (this.largeCount - this.#freeLarge) * LARGE_SLOT +
      (this.smallCount - this.#freeSmall) * SMALL_SLOT;
  }

  #slotOf(at: number): number {
    return at < this.#smallBase
      ? (at / LARGE_SLOT) | 0
      : this.largeCount + (((at - this.#smallBase) / SMALL_SLOT) | 0);
  }
}
