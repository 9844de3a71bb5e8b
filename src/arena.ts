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

import { Ranges } from "./ranges.ts";
import { SlotPool } from "./slot_pool.ts";

/** A super-segment with its virtio header is 65 545 bytes; 17 pages keep slots page-aligned. */
export const LARGE_SLOT = 17 * 4096;
export const SMALL_SLOT = 2048;

/** Small slots go back to the system 32 at a time. */
const SMALL_SHIFT = 5;
const SMALL_BLOCK = SMALL_SLOT << SMALL_SHIFT;
/** Of slots of one size at most so many bytes at a time: the system takes a millisecond for ten of these. */
const MOST_TRIMMED = 32 << 20;

export class Arena {
  readonly bytes: Uint8Array;
  /** The same memory, for who writes many words at a time. */
  readonly view: DataView;
  /** What queues keep of it. */
  readonly ranges = new Ranges();
  readonly #large: SlotPool;
  readonly #small: SlotPool;
  readonly #smallBase: number;

  /** How many bytes a block for so many slots has. */
  static size(largeCount: number, smallCount: number): number {
    return largeCount * LARGE_SLOT + smallCount * SMALL_SLOT;
  }

  constructor(bytes: Uint8Array, largeCount: number, smallCount: number) {
    if (bytes.length < Arena.size(largeCount, smallCount)) {
      throw new RangeError(`Cannot cut the slots: ${bytes.length} bytes are too few`);
    }
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#smallBase = largeCount * LARGE_SLOT;
    this.#large = new SlotPool(largeCount, 0);
    this.#small = new SlotPool(smallCount, SMALL_SHIFT);
  }

  /** Takes a large slot with one reference; its offset, or -1 when all are in use. */
  takeLarge(): number {
    const slot = this.#large.take();
    return slot < 0 ? -1 : slot * LARGE_SLOT;
  }

  /** Takes a small slot with one reference; its offset, or -1 when all are in use. */
  takeSmall(): number {
    const slot = this.#small.take();
    return slot < 0 ? -1 : this.#smallBase + slot * SMALL_SLOT;
  }

  /** One more holder of the slot that `at` lies in. */
  retain(at: number): void {
    if (at < this.#smallBase) this.#large.retain(largeSlot(at));
    else this.#small.retain(smallSlot(at - this.#smallBase));
  }

  /** One holder fewer; the last one frees the slot. */
  release(at: number): void {
    if (at < this.#smallBase) this.#large.release(largeSlot(at));
    else this.#small.release(smallSlot(at - this.#smallBase));
  }

  /** How many hold the slot that `at` lies in. */
  references(at: number): number {
    return at < this.#smallBase
      ? this.#large.references(largeSlot(at))
      : this.#small.references(smallSlot(at - this.#smallBase));
  }

  /** The size of the slot that `at` lies in. */
  slotSize(at: number): number {
    return at < this.#smallBase ? LARGE_SLOT : SMALL_SLOT;
  }

  get largeCount(): number {
    return this.#large.count;
  }

  get smallCount(): number {
    return this.#small.count;
  }

  get freeLarge(): number {
    return this.#large.free;
  }

  get freeSmall(): number {
    return this.#small.free;
  }

  get bytesInUse(): number {
    return (this.largeCount - this.freeLarge) * LARGE_SLOT +
      (this.smallCount - this.freeSmall) * SMALL_SLOT;
  }

  /**
   * Names, to `discard`, memory that was free all the time since the last call: nobody reads what is in it.
   * To be called every few seconds as long as it says true, and again once slots were used.
   */
  trim(discard: (at: number, length: number) => void): boolean {
    const large = this.#large.sweep(Math.floor(MOST_TRIMMED / LARGE_SLOT), (from, to) => {
      discard(from * LARGE_SLOT, (to - from) * LARGE_SLOT);
    });
    const small = this.#small.sweep(Math.floor(MOST_TRIMMED / SMALL_BLOCK), (from, to) => {
      discard(this.#smallBase + from * SMALL_BLOCK, (to - from) * SMALL_BLOCK);
    });
    return large || small;
  }
}

function largeSlot(at: number): number {
  return (at / LARGE_SLOT) | 0;
}

function smallSlot(at: number): number {
  return (at / SMALL_SLOT) | 0;
}
