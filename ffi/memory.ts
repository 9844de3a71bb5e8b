/**
 * Memory whose address the kernel may be told. The one place that makes pointers.
 *
 * It comes from `mmap`: it does not move, it costs nothing until it is touched, and it can be given
 * back page by page. Addresses on every system here are below 2^48, so a plain number holds them.
 */

import { check, errno, libc, SysError } from "./libc.ts";

const PROT_READ_WRITE = 3;
const MAP_PRIVATE_ANONYMOUS_NORESERVE = 0x4022;
const MADV_DONTNEED = 4;

/** A block of zeroed pages. */
export class Memory {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly #pointer: Deno.PointerObject;
  readonly #address: number;

  constructor(size: number) {
    const pointer = libc().mmap(
      0n,
      BigInt(size),
      PROT_READ_WRITE,
      MAP_PRIVATE_ANONYMOUS_NORESERVE,
      -1,
      0n,
    );
    if (pointer === null || Deno.UnsafePointer.value(pointer) === 0xffff_ffff_ffff_ffffn) {
      throw new SysError("mmap", errno());
    }
    this.#pointer = pointer;
    this.#address = Number(Deno.UnsafePointer.value(pointer));
    this.bytes = new Uint8Array(Deno.UnsafePointerView.getArrayBuffer(pointer, size));
  }

  /** The address of the byte at `offset`, as the kernel sees it. */
  address(offset: number): number {
    return this.#address + offset;
  }

  /** Writes the address of the byte at `offset` into `words[index]` and `words[index + 1]`. */
  writeAddress(words: Uint32Array, index: number, offset: number): void {
    const address = this.#address + offset;
    words[index] = address >>> 0;
    words[index + 1] = (address / 0x1_0000_0000) >>> 0;
  }

  /**
   * Gives the whole pages of `[offset, offset + length)` back to the system; they read as zero afterwards.
   * The caller sees to it that nobody writes there, the kernel included: not into registered buffers.
   */
  discard(offset: number, length: number): void {
    const page = libc().getpagesize();
    const from = Math.ceil(offset / page) * page;
    const to = Math.floor((offset + length) / page) * page;
    if (from >= to) return;
    const at = Deno.UnsafePointer.offset(this.#pointer, from);
    check("madvise", libc().madvise(at, BigInt(to - from), MADV_DONTNEED));
  }

  /** Unmaps the block. The caller sees to it that nothing, the kernel included, uses it any more. */
  free(): void {
    check("munmap", libc().munmap(this.#pointer, BigInt(this.bytes.length)));
  }
}

/** The address of a buffer of our own. The caller keeps the buffer alive and off the V8 heap. */
export function addressOf(buffer: Uint8Array<ArrayBuffer>): bigint {
  return BigInt(Deno.UnsafePointer.value(Deno.UnsafePointer.of(buffer)));
}
